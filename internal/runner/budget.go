package runner

import (
	"strconv"
	"unicode/utf8"

	"quire"
)

// budget bounds the bytes of output that are kept of each cell and of the
// whole notebook. Updates count as well: they replace what is shown, but not
// what the journal holds.
type budget struct {
	perCell, total   int64           // limits
	spent            map[int32]int64 // by cell
	spentTotal       int64
	cut              map[int32]bool // cells that already carry their mark
	cellText, nbText string
}

func newBudget(s quire.RunSettings) *budget {
	return &budget{
		perCell: s.MaxCellOutput, total: s.MaxOutput,
		spent: map[int32]int64{}, cut: map[int32]bool{},
		cellText: strconv.FormatInt(s.MaxCellOutput, 10), nbText: strconv.FormatInt(s.MaxOutput, 10),
	}
}

// left returns how many more bytes the cell may put out, and which limit says so.
func (b *budget) left(cell int32) (n int64, limit, text string) {
	n, limit, text = b.perCell-b.spent[cell], "cell", b.cellText
	if rest := b.total - b.spentTotal; rest < n {
		n, limit, text = rest, "notebook", b.nbText
	}
	return max(n, 0), limit, text
}

// take books n bytes for the cell if they fit. If they don't, nothing is
// booked, and the mark is returned that belongs where the output was cut: once
// for each cell.
func (b *budget) take(cell int32, n int) (ok bool, mark *quire.OutputCut) {
	left, limit, text := b.left(cell)
	if !b.cut[cell] && int64(n) <= left {
		b.spent[cell] += int64(n)
		b.spentTotal += int64(n)
		return true, nil
	}
	return false, b.mark(cell, limit, text)
}

// exceed is take for output that was too large even to be received.
func (b *budget) exceed(cell int32) *quire.OutputCut {
	_, limit, text := b.left(cell)
	return b.mark(cell, limit, text)
}

func (b *budget) mark(cell int32, limit, text string) *quire.OutputCut {
	if b.cut[cell] {
		return nil
	}
	b.cut[cell] = true
	return &quire.OutputCut{Cell: cell, Limit: limit, Bytes: text}
}

// takeText is take for text, of which it returns the part that fits.
func (b *budget) takeText(cell int32, s string) (part string, mark *quire.OutputCut) {
	if left, _, _ := b.left(cell); !b.cut[cell] && int64(len(s)) > left {
		part = s[:left]
		for part != "" && !utf8.ValidString(part[max(0, len(part)-utf8.UTFMax):]) && !utf8.RuneStart(s[len(part)]) {
			part = part[:len(part)-1]
		}
		b.spent[cell] += int64(len(part))
		b.spentTotal += int64(len(part))
		_, mark = b.take(cell, len(s))
		return part, mark
	}
	ok, mark := b.take(cell, len(s))
	if !ok {
		return "", mark
	}
	return s, nil
}
