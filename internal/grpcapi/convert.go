package grpcapi

import (
	"math"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"quire"
)

// mapped returns what f makes of each item.
func mapped[A, B any](items []A, f func(A) B) []B {
	out := make([]B, len(items))
	for i, item := range items {
		out[i] = f(item)
	}
	return out
}

// timeProto returns nil for the zero time: that moment has not come.
func timeProto(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// durationOf reads a duration that may be nil, which is 0.
func durationOf(field string, d *durationpb.Duration) (time.Duration, error) {
	if d == nil {
		return 0, nil
	}
	if err := d.CheckValid(); err != nil {
		return 0, quire.Invalid(field, "is no duration; write it as seconds, 3.5s say")
	}
	got := d.AsDuration()
	if got == math.MaxInt64 || got == math.MinInt64 { // where AsDuration stops
		return 0, quire.Invalid(field, "is longer than 290 years")
	}
	return got, nil
}

// pageOf reads which page of a list is asked for.
func pageOf[N int32 | int64](req interface {
	GetPageSize() N
	GetPageToken() string
},
) (quire.Page, error) {
	size := req.GetPageSize()
	if size < 0 || size > quire.MaxPageSize {
		return quire.Page{}, quire.Invalid("page_size", "must be from 0 to %d", quire.MaxPageSize)
	}
	return quire.Page{Size: int(size), Token: req.GetPageToken()}, nil
}
