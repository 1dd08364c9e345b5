// Package calendar computes when a schedule is due: from a cron expression,
// read in a time zone whose clocks are put forward and back, or from an
// interval.
//
// Who asks when, and what happens then, is for the package service.
package calendar

import (
	"strings"
	"time"
	_ "time/tzdata" // a server in a bare container knows the zones too

	cron "github.com/netresearch/go-cron"

	"quire"
)

// Calendar gives the due times of a schedule. It is safe for concurrent use.
type Calendar struct {
	zone     *time.Location
	interval time.Duration
	anchor   time.Time
	cron     cron.Schedule // nil: by interval
	hourly   bool          // the expression names no hours: it follows the time that passes, not the clock on the wall
}

// parser reads five fields. The expressions are evaluated in UTC only, see wall.
var parser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow).WithMaxSearchYears(searchYears)

// searchYears is as long as it can take from one 29 February to the next, and
// to the next on a given day of the week in the worst case.
const searchYears = 40

// shorthands are the expressions with a name.
var shorthands = map[string]string{
	"@hourly":   "0 * * * *",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@weekly":   "0 0 * * 0",
	"@monthly":  "0 0 1 * *",
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
}

// New reads a timing. Its errors are InvalidArgument.
func New(t quire.ScheduleTiming) (*Calendar, error) {
	if err := t.Check(); err != nil {
		return nil, err
	}
	c := &Calendar{zone: time.UTC, interval: t.Interval, anchor: t.Anchor}
	if t.Zone != "" {
		zone, err := loadZone(t.Zone)
		if err != nil {
			return nil, err
		}
		c.zone = zone
	}
	if t.Cron != "" {
		return c, c.read(t.Cron)
	}
	return c, nil
}

// loadZone refuses Local, which is the server's own zone and no client's.
func loadZone(name string) (*time.Location, error) {
	if name != "Local" && len(name) <= quire.MaxCronLength {
		if zone, err := time.LoadLocation(name); err == nil {
			return zone, nil
		}
	}
	return nil, quire.Invalid("time_zone", "%.100q is no time zone of the IANA database; Europe/Berlin is one", name)
}

func (c *Calendar) read(expression string) error {
	if len(expression) > quire.MaxCronLength {
		return quire.Invalid("cron", "must have at most %d characters", quire.MaxCronLength)
	}
	full := strings.TrimSpace(expression)
	if long, ok := shorthands[strings.ToLower(full)]; ok {
		full = long
	}
	fields := strings.Fields(full)
	if len(fields) != 5 {
		return quire.Invalid("cron", "%.100q must have five fields (minute, hour, day of the month, month, day of the week) or be one of @hourly, @daily, @weekly, @monthly, @yearly", expression)
	}
	parsed, err := parser.Parse(strings.Join(fields, " "))
	if err != nil {
		return quire.Invalid("cron", "%.100q cannot be read: %v", expression, err)
	}
	c.cron, c.hourly = parsed, strings.HasPrefix(fields[1], "*")
	if c.cron.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return quire.Invalid("cron", "%.100q is never due", expression)
	}
	return nil
}

// Zone is the time zone in which due times are to be shown.
func (c *Calendar) Zone() *time.Location { return c.zone }

// Next returns the first due time after the given one, in the calendar's zone;
// zero where none comes.
func (c *Calendar) Next(after time.Time) time.Time {
	if c.cron == nil {
		return c.nextInterval(after)
	}
	return c.nextCron(after.In(c.zone))
}

func (c *Calendar) nextInterval(after time.Time) time.Time {
	if after.Before(c.anchor) {
		return c.anchor.Add(c.interval).In(c.zone)
	}
	steps := after.Sub(c.anchor)/c.interval + 1
	return c.anchor.Add(steps * c.interval).In(c.zone)
}

// Newest returns the newest due times from first, which is one, to now: most of
// them at most, the oldest first. It looks back no further than it must,
// for a server may have been away for years.
func (c *Calendar) Newest(first, now time.Time, most int) []time.Time {
	var found []time.Time
	for window := time.Hour; ; window *= 2 {
		from := now.Add(-window)
		if !from.After(first) {
			from = first
		}
		found = found[:0]
		for t := c.Next(from.Add(-1)); !t.IsZero() && !t.After(now); t = c.Next(t) {
			if len(found) == most {
				found = append(found[:0], found[1:]...)
			}
			found = append(found, t)
		}
		if len(found) == most || !from.After(first) {
			return found
		}
	}
}
