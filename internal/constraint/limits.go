package constraint

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/yandex-cloud/go-genproto/yandex/cloud"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// limits are those of one field. Its zero value allows everything.
type limits struct {
	required            bool
	length, size, value *span
	pattern             *regexp.Regexp // anchored
	source              string         // the pattern as declared
	mapKey              *limits
}

// cache holds the limits of each field that was seen, by its full name: a
// bounded number, since descriptors are compiled in.
var cache sync.Map

func limitsOf(field protoreflect.FieldDescriptor) (limits, error) {
	if known, ok := cache.Load(field.FullName()); ok {
		if l, ok := known.(limits); ok {
			return l, nil
		}
	}
	l, err := readLimits(field.Options())
	if err != nil {
		return limits{}, err
	}
	cache.Store(field.FullName(), l)
	return l, nil
}

func readLimits(options proto.Message) (limits, error) {
	text := func(x protoreflect.ExtensionType) string {
		s, _ := proto.GetExtension(options, x).(string)
		return s
	}
	l, err := parseLimits(text(cloud.E_Length), text(cloud.E_Pattern))
	if err != nil {
		return limits{}, err
	}
	if l.size, err = parseSpan(text(cloud.E_Size)); err != nil {
		return limits{}, err
	}
	if l.value, err = parseSpan(text(cloud.E_Value)); err != nil {
		return limits{}, err
	}
	l.required, _ = proto.GetExtension(options, cloud.E_Required).(bool)
	if key, _ := proto.GetExtension(options, cloud.E_MapKey).(*cloud.MapKeySpec); key != nil {
		k, err := parseLimits(key.GetLength(), key.GetPattern())
		if err != nil {
			return limits{}, err
		}
		l.mapKey = &k
	}
	return l, nil
}

func parseLimits(length, pattern string) (l limits, err error) {
	if l.length, err = parseSpan(length); err != nil {
		return limits{}, err
	}
	if pattern != "" {
		l.source = pattern
		if l.pattern, err = regexp.Compile(`\A(?:` + pattern + `)\z`); err != nil {
			return limits{}, fmt.Errorf("pattern %q: %w", pattern, err)
		}
	}
	return l, nil
}

// span is a range of numbers, ends included; nil is all of them.
type span struct {
	min, max *int64
}

// parseSpan reads N, N-M, <=N, >=N, <N and >N.
func parseSpan(s string) (*span, error) {
	if s == "" {
		return nil, nil
	}
	r := &span{}
	low, high, ranged := strings.Cut(s, "-")
	var err error
	switch {
	case strings.HasPrefix(s, "<="):
		r.max, err = parseEnd(s[2:], 0)
	case strings.HasPrefix(s, ">="):
		r.min, err = parseEnd(s[2:], 0)
	case strings.HasPrefix(s, "<"):
		r.max, err = parseEnd(s[1:], -1)
	case strings.HasPrefix(s, ">"):
		r.min, err = parseEnd(s[1:], 1)
	case ranged:
		if r.min, err = parseEnd(low, 0); err == nil {
			r.max, err = parseEnd(high, 0)
		}
	default:
		r.min, err = parseEnd(s, 0)
		r.max = r.min
	}
	if err != nil {
		return nil, fmt.Errorf("range %q: %w", s, err)
	}
	return r, nil
}

func parseEnd(s string, shift int64) (*int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	n += shift
	return &n, err
}

func (r *span) holds(n int64) bool {
	return r == nil || (r.min == nil || n >= *r.min) && (r.max == nil || n <= *r.max)
}

// String says in words what is allowed.
func (r *span) String() string {
	switch {
	case r.min == nil:
		return fmt.Sprintf("at most %d", *r.max)
	case r.max == nil:
		return fmt.Sprintf("at least %d", *r.min)
	case *r.min == *r.max:
		return fmt.Sprint(*r.min)
	default:
		return fmt.Sprintf("%d to %d", *r.min, *r.max)
	}
}
