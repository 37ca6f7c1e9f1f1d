package witness

import (
	"hash/maphash"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// uploadRate and uploadBurst bound the uploads of one student: each of eight
	// types may count at once, and pages try again.
	uploadRate  = 1
	uploadBurst = 16
	// uploadWithin is how long after a violation its picture is taken: a page that
	// was offline for a moment comes back within it.
	uploadWithin = 2 * time.Minute
	// decoders is how many uploads are decoded at once. Each takes 25 MB at most and
	// some 30 ms of one CPU.
	decoders = 2
)

// uploads is which violations may get a picture, and who may send one.
type uploads struct {
	now func() time.Time
	// decoding has a place for each upload that is decoded.
	decoding chan struct{}
	// serial has one upload of a student follow the other, so that a repetition
	// finds what the first has done.
	seed   maphash.Seed
	serial [256]sync.Mutex

	mu sync.Mutex
	// recent violations and limits are kept while they matter.
	recent map[string][]*recent
	limits map[string]*rate.Limiter
}

// recent is a violation that was counted less than uploadWithin ago.
type recent struct {
	kind   string
	number int
	at     int64
	// raw is the hash of the picture as it came, and kept that of what was recorded;
	// "" without one.
	raw, kept string
	size      int
}

func newUploads(now func() time.Time) *uploads {
	return &uploads{
		now: now, decoding: make(chan struct{}, decoders), seed: maphash.MakeSeed(),
		recent: map[string][]*recent{}, limits: map[string]*rate.Limiter{},
	}
}

func (u *uploads) lock(student string) *sync.Mutex {
	return &u.serial[maphash.String(u.seed, student)%uint64(len(u.serial))]
}

// allow is whether the student may upload now.
func (u *uploads) allow(student string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()

	limiter := u.limits[student]
	if limiter == nil {
		limiter = rate.NewLimiter(uploadRate, uploadBurst)
		u.limits[student] = limiter
	}

	return limiter.AllowN(u.now(), 1)
}

// counted notes a violation.
func (u *uploads) counted(student, kind string, number int, at int64) *recent {
	noted := &recent{kind: kind, number: number, at: at}

	u.mu.Lock()
	defer u.mu.Unlock()

	u.recent[student] = append(u.recent[student], noted)

	return noted
}

// find returns a violation that is recent; nil if it is none.
func (u *uploads) find(student, kind string, number int) *recent {
	u.mu.Lock()
	defer u.mu.Unlock()

	for _, noted := range u.recent[student] {
		if noted.kind == kind && noted.number == number && !u.old(noted.at) {
			return noted
		}
	}

	return nil
}

func (u *uploads) old(at int64) bool { return u.now().UnixMilli()-at > uploadWithin.Milliseconds() }

// forget drops what does not matter any more.
func (u *uploads) forget() {
	u.mu.Lock()
	defer u.mu.Unlock()

	for student, noted := range u.recent {
		noted = slices.DeleteFunc(noted, func(r *recent) bool { return u.old(r.at) })
		if u.recent[student] = noted; len(noted) == 0 {
			delete(u.recent, student)
		}
	}

	now := u.now()
	for student, limiter := range u.limits {
		if limiter.TokensAt(now) >= uploadBurst {
			delete(u.limits, student)
		}
	}
}
