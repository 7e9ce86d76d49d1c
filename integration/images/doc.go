// Package images has the images of servers that tests run in containers.
//
// An image that the engine has is taken. Else the usual one is pulled from its
// registry, and where none answers, one is built from Debian's packages, which
// takes a minute, once: images are found again by a tag with a hash of their
// recipe. That needs root, a Debian or one of its kind, and its mirror. All
// servers of a Debian release are in one image, so there are two to build.
package images
