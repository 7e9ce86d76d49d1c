package file

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// Whatever a URL holds, it is refused or names one directory, absolute and
// clean, and no error shows its password.
func FuzzConnector(f *testing.F) {
	for _, s := range []string{
		"file:///run/locks", "file://localhost/a/", "file:///a%20b/%23", "file:///a/../..", "file:a", "file://h/a",
		"file://u:s3cret@/a", "file:///a?sync=1", "file:///a?", "file:///a#b", "file:///%00", "file:///C:/a", "http:///a", "",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := url.Parse(s)
		if err != nil {
			return
		}
		c, err := Driver{}.Connector(u)
		if err != nil {
			password, _ := u.User.Password()
			if len(password) > 4 && !strings.Contains(strings.Replace(s, password, "", 1), password) && strings.Contains(err.Error(), password) {
				t.Errorf("%q: the error shows the password: %v", s, err)
			}
			return
		}
		dir := c.(connector).dir
		if !filepath.IsAbs(dir) || filepath.Clean(dir) != dir || filepath.Dir(dir) == dir || strings.ContainsRune(dir, 0) {
			t.Errorf("%q names %q", s, dir)
		}
		if u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "file" {
			t.Errorf("%q was taken, and a part of it left out", s)
		}
	})
}
