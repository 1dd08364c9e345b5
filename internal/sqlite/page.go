package sqlite

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"

	"quire"
)

// list is one list's query: a page begins behind the last row of the page
// before, wherever rows were added or removed since.
type list struct {
	what    string // table, and the name of the list in its tokens
	columns string
	newest  bool // newest first, else oldest first
	where   []string
	args    []any
}

// narrow adds a condition with one argument, unless the argument is empty.
func (l *list) narrow(condition, arg string) {
	if arg != "" {
		l.where = append(l.where, condition)
		l.args = append(l.args, arg)
	}
}

// fetch returns a page of l. Row scans one row and returns its seq too.
func fetch[T any](ctx context.Context, db *sql.DB, l list, page quire.Page, row func(scanner) (T, int64, error)) ([]T, string, error) {
	if page.Size < 0 {
		return nil, "", quire.Invalid("page_size", "must be 0 to %d", quire.MaxPageSize)
	}
	sum := l.checksum()
	order, behind := "ASC", ">"
	if l.newest {
		order, behind = "DESC", "<"
	}
	if page.Token != "" {
		seq, err := decodeToken(page.Token, sum)
		if err != nil {
			return nil, "", err
		}
		l.where = append(l.where, "seq "+behind+" ?")
		l.args = append(l.args, seq)
	}
	query := "SELECT " + l.columns + " FROM " + l.what
	if len(l.where) > 0 {
		query += " WHERE " + strings.Join(l.where, " AND ")
	}
	// One row more than asked for tells whether there is a next page.
	query += fmt.Sprintf(" ORDER BY seq %s LIMIT %d", order, page.Limit()+1)
	rows, err := db.QueryContext(ctx, query, l.args...)
	if err != nil {
		return nil, "", fmt.Errorf("list %s: %w", l.what, err)
	}
	defer func() { _ = rows.Close() }()
	var found []T
	var last int64
	for rows.Next() {
		if len(found) == page.Limit() {
			return found, encodeToken(last, sum), nil
		}
		var one T
		if one, last, err = row(rows); err != nil {
			return nil, "", fmt.Errorf("list %s: %w", l.what, err)
		}
		found = append(found, one)
	}
	if err := rows.Err(); err != nil {
		return nil, "", fmt.Errorf("list %s: %w", l.what, err)
	}
	return found, "", nil
}

// checksum tells lists apart that differ in more than the page, so that a
// token of one is not taken by another.
func (l *list) checksum() uint32 {
	return crc32.ChecksumIEEE(fmt.Appendf(nil, "%s %q %q", l.what, l.where, l.args))
}

func encodeToken(seq int64, sum uint32) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(seq))
	sum = crc32.Update(sum, crc32.IEEETable, b)
	return base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint32(b, sum))
}

func decodeToken(token string, sum uint32) (int64, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(b) != 12 || crc32.Update(sum, crc32.IEEETable, b[:8]) != binary.BigEndian.Uint32(b[8:]) {
		return 0, quire.Invalid("page_token", "must be empty or the next_page_token of the page before, with the same filter")
	}
	return int64(binary.BigEndian.Uint64(b)), nil
}
