package calendar

import "time"

// A wall time is what the clock on the wall shows, kept as a time in UTC: there
// every minute exists and comes once, so that the library's answers do not
// depend on what it does with a change of the clocks. Between two changes wall
// times and moments correspond one to one.
//
// An expression that names hours follows the wall: what the clocks skip is due
// at the moment of the change, once; what they show twice is due the first time
// only. One whose hour is * follows the time that passes: what is skipped never
// comes, what is shown twice is due twice.

// nextCron returns the first due time after the given one, which is in c.zone.
func (c *Calendar) nextCron(after time.Time) time.Time {
	t, from := after, wall(after)
	for t.Sub(after) < searchYears*365*24*time.Hour {
		start, end := t.ZoneBounds()
		if !c.hourly && !start.IsZero() {
			from = later(from, wallBefore(start).Add(-1)) // what came before the clocks were put back
		}
		due := c.cron.Next(from)
		if due.IsZero() {
			return time.Time{}
		}
		if end.IsZero() || due.Before(wallBefore(end)) {
			return moment(due, t)
		}
		if !c.hourly && due.Before(wall(end)) {
			return end // the clocks skip it
		}
		t, from = end, wall(end).Add(-1)
	}
	return time.Time{}
}

// wall returns what the clock shows at t.
func wall(t time.Time) time.Time {
	_, offset := t.Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}

// wallBefore returns what the clock would show at a change if there were none.
func wallBefore(change time.Time) time.Time { return wall(change.Add(-1)).Add(1) }

// moment returns when the clock shows a wall time, under the offset of t.
func moment(shown, t time.Time) time.Time {
	_, offset := t.Zone()
	return shown.Add(-time.Duration(offset) * time.Second).In(t.Location())
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
