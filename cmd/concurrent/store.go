package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/concurrent-go/concurrent"
	"github.com/concurrent-go/concurrent/locks"
)

// The storeFlags say which store the locks are in. Without them it is
// CONCURRENT_URL's, and without that one in the user's runtime directory.
type storeFlags struct {
	URL    string `name:"url" xor:"alias,config" placeholder:"URL" help:"The store, such as file:///dir. Others can see it in the list of processes: a URL with a password belongs in CONCURRENT_URL or a --config."`
	Alias  string `xor:"alias" placeholder:"NAME" help:"A store by its name in --config, or by CONCURRENT_<NAME>_URL."`
	Config string `xor:"config" placeholder:"FILE" help:"A JSON file with stores: {\"default\": {\"url\": …, \"lease\": …, \"prefix\": …}}."`
}

// A site is the store to be used, under its alias.
type site struct {
	registry *concurrent.Registry
	alias    string
}

const (
	defaultAlias = "default"

	// answerTime is how long a store may take to answer, opening it included,
	// beyond what was to be waited for a lock.
	answerTime = 10 * time.Second

	// closeTime bounds what is given back at the end.
	closeTime = 5 * time.Second

	maxConfig = 1 << 20
)

// open configures the store. It does no I/O but reading the configuration.
func (f storeFlags) open() (*site, error) {
	at := &site{registry: concurrent.NewRegistry(), alias: defaultAlias}
	if f.Alias != "" {
		at.alias = f.Alias
	}
	switch {
	case f.Config != "":
		aliases, err := readConfig(f.Config)
		if err != nil {
			return nil, badUsage(err)
		}
		return at, at.registry.Configure(aliases)
	case f.Alias != "":
		return at, at.registry.ConfigureEnv()
	}
	url := f.URL
	if url == "" {
		url = os.Getenv("CONCURRENT_URL")
	}
	if url == "" {
		url = defaultURL()
	}
	return at, at.registry.Configure(concurrent.Aliases{defaultAlias: {URL: url}})
}

// close gives back what is held and closes the store.
func (at *site) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	_ = at.registry.Shutdown(ctx) // what it could not give back ends by itself
}

// option makes package locks look for the alias here.
func (at *site) option() locks.Option { return locks.WithRegistry(at.registry) }

// asking bounds a question to the store.
func asking() (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), answerTime)
}

func readConfig(name string) (concurrent.Aliases, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // it was only read
	data, err := io.ReadAll(io.LimitReader(f, maxConfig+1))
	if err != nil {
		return nil, err
	}
	var aliases concurrent.Aliases
	if err := json.Unmarshal(data, &aliases); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return aliases, nil
}
