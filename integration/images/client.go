package images

import (
	"cmp"
	"net/http"
	"os"

	"github.com/moby/moby/client"
)

// NewClient is a client of the engine at DOCKER_HOST, or at its usual socket. It
// keeps no idle connections: they would be goroutines that tests find left. It
// and the engine agree on a version of the interface when they first talk.
func NewClient() (*client.Client, error) {
	return client.New(
		client.WithHTTPClient(&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}),
		client.WithHost(cmp.Or(os.Getenv(client.EnvOverrideHost), client.DefaultDockerHost)),
		client.WithScheme("http"),
		client.WithAPIVersionFromEnv(),
	)
}
