// Package postgres tests the postgres driver on real servers.
package postgres
