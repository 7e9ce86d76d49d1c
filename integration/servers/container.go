package servers

import (
	"context"
	"fmt"
	"io"
	"os"
	"syscall"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/network"
	"github.com/moby/moby/client"
	"github.com/testcontainers/testcontainers-go"
)

// An inContainer is a server in a container, on this machine's own network: its
// port is no other after a restart, and nothing stands between the server and
// who talks to it.
type inContainer struct {
	engine *engine
	folder string
	create func(context.Context, ...testcontainers.ContainerCustomizer) (testcontainers.Container, error)

	container testcontainers.Container
}

var _ runner = (*inContainer)(nil)

// inFolder has a container run a command in the launch's folder, which is at the
// same place there, on this machine's network, as somebody, or as who this
// process is. A usual image that runs as root gives the folder to its own user.
func inFolder(l *launch, who *syscall.Credential, command ...string) []testcontainers.ContainerCustomizer {
	if who == nil && os.Geteuid() != 0 {
		who = &syscall.Credential{Uid: uint32(os.Geteuid()), Gid: uint32(os.Getegid())}
	}
	return []testcontainers.ContainerCustomizer{
		testcontainers.WithCmd(command...),
		testcontainers.WithConfigModifier(func(c *container.Config) {
			c.WorkingDir = l.folder
			if who != nil {
				c.User = fmt.Sprint(who.Uid, ":", who.Gid)
			}
		}),
		testcontainers.WithHostConfigModifier(func(h *container.HostConfig) {
			h.NetworkMode, h.Binds = "host", []string{l.folder + ":" + l.folder}
		}),
	}
}

func (c *inContainer) run(ctx context.Context) error {
	if c.container != nil {
		_, err := c.engine.client.ContainerStart(ctx, c.container.GetContainerID(), client.ContainerStartOptions{})
		return err
	}
	if err := c.engine.watched(); err != nil {
		return err
	}
	made, err := c.create(ctx,
		testcontainers.WithLabels(map[string]string{sessionLabel: c.engine.session, folderLabel: c.folder}),
		testcontainers.CustomizeRequestOption(func(r *testcontainers.GenericContainerRequest) error {
			r.ExposedPorts, r.WaitingFor = nil, nil // there is no network of its own; we wait until it answers
			return nil
		}),
		// Where an engine has no default network, testcontainers adds one.
		testcontainers.WithEndpointSettingsModifier(func(all map[string]*network.EndpointSettings) { clear(all) }))
	if made != nil {
		c.container = made
	}
	return err
}

func (c *inContainer) kill(ctx context.Context) error { return c.end(ctx, "SIGKILL") }

func (c *inContainer) stop(ctx context.Context) error { return c.end(ctx, "SIGINT") }

// end signals the server and waits for its end.
func (c *inContainer) end(ctx context.Context, signal string) error {
	id := c.container.GetContainerID()
	wait := c.engine.client.ContainerWait(ctx, id, client.ContainerWaitOptions{Condition: container.WaitConditionNotRunning})
	// 409: it does not run.
	if _, err := c.engine.client.ContainerKill(ctx, id, client.ContainerKillOptions{Signal: signal}); err != nil && !errdefs.IsConflict(err) {
		return err
	}
	select {
	case <-wait.Result:
		return nil
	case err := <-wait.Error:
		return fmt.Errorf("wait for its end: %w", err)
	}
}

func (c *inContainer) pause(ctx context.Context) error {
	_, err := c.engine.client.ContainerPause(ctx, c.container.GetContainerID(), client.ContainerPauseOptions{})
	return err
}

func (c *inContainer) resume(ctx context.Context) error {
	_, err := c.engine.client.ContainerUnpause(ctx, c.container.GetContainerID(), client.ContainerUnpauseOptions{})
	if state := c.state(ctx); err != nil && state != nil && !state.Paused {
		return nil
	}
	return err
}

func (c *inContainer) running(ctx context.Context) bool {
	state := c.state(ctx)
	return state == nil || state.Running
}

// state is nil if the engine does not say.
func (c *inContainer) state(ctx context.Context) *container.State {
	i, err := c.engine.client.ContainerInspect(ctx, c.container.GetContainerID(), client.ContainerInspectOptions{})
	if err != nil {
		return nil
	}
	return i.Container.State
}

func (c *inContainer) remove(ctx context.Context) error {
	defer func() { _ = os.RemoveAll(c.folder) }()
	if c.container == nil {
		return nil
	}
	_, err := c.engine.client.ContainerRemove(ctx, c.container.GetContainerID(),
		client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
	if errdefs.IsNotFound(err) {
		return nil
	}
	return err
}

func (c *inContainer) said() string {
	if c.container == nil {
		return ""
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	log, err := c.container.Logs(ctx)
	if err != nil {
		return ""
	}
	defer func() { _ = log.Close() }()
	text, _ := io.ReadAll(log)
	return string(text[max(0, len(text)-2000):])
}
