package config

import (
	"errors"
	"net"
	"strconv"
	"time"
)

func isText(s string) error {
	if s == "" {
		return errors.New("some text")
	}
	return nil
}

func isBool(s string) error {
	switch s {
	case "true", "false", "1", "0":
		return nil
	}
	return errors.New("true or false")
}

func isNumber(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < -1 || n > 1<<31-1 {
		return errors.New("a number, −1 or more")
	}
	return nil
}

func isCount(s string) error {
	if n, err := strconv.Atoi(s); err != nil || n < 0 || n > 1<<31-1 {
		return errors.New("a number that is not negative")
	}
	return nil
}

func isProtocol(s string) error {
	if s != "2" && s != "3" {
		return errors.New("2 or 3")
	}
	return nil
}

// isDuration takes what go-redis does: a Go duration, or a number of seconds.
func isDuration(s string) error {
	if n, err := strconv.Atoi(s); err == nil && n < 1<<31 && n > -1<<31 {
		return nil
	}
	if _, err := time.ParseDuration(s); err != nil {
		return errors.New(`a duration such as "500ms", or a number of seconds`)
	}
	return nil
}

func isAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" || !isPort(port) {
		return errors.New("host:port")
	}
	return nil
}

func isPort(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n > 0 && n < 1<<16
}
