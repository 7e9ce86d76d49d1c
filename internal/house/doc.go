// Package house holds no code, only tests of the source tree itself: how long
// files are, what packages are called, who imports whom, and what a program
// that uses package locks alone has to compile and require.
package house
