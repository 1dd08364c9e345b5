package quire

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var placeholder = regexp.MustCompile(`\{\{(?: *([a-z_]{1,40}) *\}\})?`)

// placeholders are what a scheduled input may hold between {{ and }}. The time
// is the due time in the schedule's zone.
var placeholders = map[string]func(Schedule, time.Time) string{
	"open":              func(Schedule, time.Time) string { return "{{" },
	"schedule_id":       func(s Schedule, _ time.Time) string { return string(s.ID) },
	"schedule_name":     func(s Schedule, _ time.Time) string { return s.Name },
	"scheduled_time":    func(_ Schedule, t time.Time) string { return t.Format(time.RFC3339) },
	"scheduled_date":    func(_ Schedule, t time.Time) string { return t.Format(time.DateOnly) },
	"scheduled_year":    func(_ Schedule, t time.Time) string { return t.Format("2006") },
	"scheduled_month":   func(_ Schedule, t time.Time) string { return t.Format("2006-01") },
	"scheduled_day":     func(_ Schedule, t time.Time) string { return t.Format("02") },
	"scheduled_hour":    func(_ Schedule, t time.Time) string { return t.Format("15") },
	"scheduled_weekday": func(_ Schedule, t time.Time) string { return t.Weekday().String() },
	"scheduled_unix":    func(_ Schedule, t time.Time) string { return strconv.FormatInt(t.Unix(), 10) },
	"previous_date":     func(_ Schedule, t time.Time) string { return t.AddDate(0, 0, -1).Format(time.DateOnly) },
}

// CheckPlaceholders returns an InvalidArgument error for field if a string in
// inputs holds {{ and what follows is no placeholder.
func CheckPlaceholders(field string, inputs map[string]any) error {
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		var unknown string
		_ = render(inputs[name], func(found, key string) string {
			if placeholders[key] == nil && unknown == "" {
				unknown = found
			}
			return ""
		})
		if unknown != "" {
			known := slices.Sorted(maps.Keys(placeholders))
			return Invalid(field, "%.100s: %.60q is no placeholder; known are %s; {{ itself is written {{ open }}",
				name, unknown, strings.Join(known, ", "))
		}
	}
	return nil
}

// RenderInputs returns the schedule's inputs for a due time, which is in the
// schedule's zone. They have passed CheckPlaceholders.
func (s Schedule) RenderInputs(scheduled time.Time) map[string]any {
	if s.Work.Inputs == nil {
		return nil
	}
	inputs := make(map[string]any, len(s.Work.Inputs))
	for name, value := range s.Work.Inputs {
		inputs[name] = render(value, func(found, key string) string {
			if fill := placeholders[key]; fill != nil {
				return fill(s, scheduled)
			}
			return found
		})
	}
	return inputs
}

// render returns the JSON value v with every placeholder in its strings, keys
// of objects apart, replaced.
func render(v any, fill func(found, key string) string) any {
	switch v := v.(type) {
	case string:
		return placeholder.ReplaceAllStringFunc(v, func(found string) string {
			return fill(found, placeholder.FindStringSubmatch(found)[1])
		})
	case []any:
		list := make([]any, len(v))
		for i, item := range v {
			list[i] = render(item, fill)
		}
		return list
	case map[string]any:
		object := make(map[string]any, len(v))
		for key, item := range v {
			object[key] = render(item, fill)
		}
		return object
	}
	return v
}

// Check returns an InvalidArgument error for what is wrong with the timing
// without regard to its expression, which internal/calendar reads.
func (t ScheduleTiming) Check() error {
	switch {
	case (t.Cron == "") == (t.Interval == 0):
		return Invalid("cron", "a schedule has a cron expression or an interval: one of them must be set")
	case t.Interval != 0 && (t.Interval < MinInterval || t.Interval > MaxInterval || t.Interval%time.Second != 0):
		return Invalid("interval", "must be whole seconds from %s to %s", MinInterval, fmt.Sprint(MaxInterval))
	case t.Interval != 0 && t.Zone != "" && len(t.Zone) > MaxCronLength:
		return Invalid("time_zone", "must have at most %d characters", MaxCronLength)
	}
	return nil
}
