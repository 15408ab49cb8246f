//! Nothing: a build of this library is a build of its dependencies.
