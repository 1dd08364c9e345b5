package grpcapi

// PollAfter is for the tests of this package.
var PollAfter = pollAfter
