package config

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/url"
	"os"

	"github.com/concurrent-go/concurrent/drivers/redis/internal/reply"
)

// tlsFiles are the PEM files that a URL names, and the host that certificates
// are for. Empty: none, and the host that is connected to.
type tlsFiles struct{ ca, cert, key, name string }

func (c *Config) checkTLS(query url.Values) error {
	for _, name := range append([]string{"skip_verify"}, ours...) {
		if query.Has(name) && !c.secure {
			return errors.New("the parameter \"" + name + "\" is for TLS: the URL must begin with rediss://")
		}
	}
	if (c.files.cert == "") != (c.files.key == "") {
		return errors.New(`the parameters "tls_cert_file" and "tls_key_file" go together`)
	}
	return nil
}

// load reads the files and returns what TLS needs, nil without it. Certificates
// are for the host that is connected to, which the dialer knows.
func (c *Config) load() (*tls.Config, error) {
	if !c.secure {
		return nil, nil
	}
	loaded := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.files.name, InsecureSkipVerify: !c.verified}
	if c.files.ca != "" {
		pem, err := os.ReadFile(c.files.ca)
		if err != nil {
			return nil, reply.Unavailable("tls_ca_file can't be read: %v", err)
		}
		loaded.RootCAs = x509.NewCertPool()
		if !loaded.RootCAs.AppendCertsFromPEM(pem) {
			return nil, reply.Unavailable("tls_ca_file has no certificate in PEM form")
		}
	}
	if c.files.cert != "" {
		pair, err := tls.LoadX509KeyPair(c.files.cert, c.files.key)
		if err != nil {
			return nil, reply.Unavailable("tls_cert_file and tls_key_file can't be used: %v", err)
		}
		loaded.Certificates = []tls.Certificate{pair}
	}
	return loaded, nil
}
