// Package servers hands tests real servers.
//
// [Redis] and [Postgres] are those that all tests of a binary share. [NewRedis],
// [NewPostgres] and [NewPgBouncer] are a test's own, of a version that it names;
// [Versions] are those that can be had. A [Server] can be paused, killed and
// restarted, and a [Link] to it does what bad networks do.
//
// What a server is, in this order:
//
//   - The one at an address from the environment, CONCURRENT_TEST_REDIS_URL or
//     CONCURRENT_TEST_POSTGRES_URL. Only tests that share one use it.
//   - A container, where this machine's Docker engine answers at its socket, of
//     an image that package images knows. It has this machine's network: servers
//     listen on the loopback interface only, find each other there, as the nodes
//     of a cluster must, and nothing stands between them and the tests.
//   - The server's own program on PATH. Root on a Debian has it installed where
//     it is missing. Benchmarks take it before a container.
//
// CONCURRENT_TEST_SERVERS=container or =program has all be of one kind. With
// none of these the test fails, and says what to install; it is never skipped.
// Which it was is said on standard error, once for each version.
//
// A server ends with the process that started it, also when that is killed: the
// kernel ends a program, and a watchdog, which is the same test binary run again
// in a session of its own, removes the containers and their folders.
// Testcontainers' own watchdog, Ryuk, is an image that can't always be had, and
// is turned off where the environment says nothing about it.
package servers
