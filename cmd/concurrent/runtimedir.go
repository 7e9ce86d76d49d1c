package main

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// defaultURL is the store of who named none: a directory that only this user
// has, on this machine, until it is started again. The file driver makes it
// with mode 0700 and refuses one that others made or can write to.
func defaultURL() string {
	return fileURL(defaultDir(os.Getenv("XDG_RUNTIME_DIR"), os.Getuid()))
}

// fileURL names the store in a directory.
func fileURL(dir string) string {
	path := filepath.ToSlash(dir)
	if !strings.HasPrefix(path, "/") { // a Windows drive
		path = "/" + path
	}
	return (&url.URL{Scheme: "file", Path: path}).String()
}

// defaultDir is where the default store is. A cron job has no XDG_RUNTIME_DIR
// and must meet the same locks as the user's shell, so the place where it
// leads on Linux is looked at too.
func defaultDir(runtimeDir string, uid int) string {
	if filepath.IsAbs(runtimeDir) {
		return filepath.Join(runtimeDir, "concurrent")
	}
	if fi, err := os.Stat(fmt.Sprintf("/run/user/%d", uid)); err == nil && fi.IsDir() && uid >= 0 {
		return fmt.Sprintf("/run/user/%d/concurrent", uid)
	}
	name := "concurrent"
	if uid >= 0 { // Windows has none, and a directory for temporary files for each user
		name = fmt.Sprintf("concurrent-%d", uid)
	}
	return filepath.Join(os.TempDir(), name)
}
