// Package servers hands tests a real server.
//
// An address from the environment comes first: CONCURRENT_TEST_REDIS_URL,
// CONCURRENT_TEST_POSTGRES_URL. Else the server's own program is started, on a
// free port of the loopback interface, in a temporary folder, once for a test
// binary. Root on a Debian has it installed where it is missing. With none of
// these the test fails and says what to install.
//
// A server that was started ends with the process that started it, also when
// that is killed.
package servers
