package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/invigil/invigil/scoring/evidence/format"
	"github.com/invigil/invigil/scoring/evidence/verify"
)

// Findings that package verify cannot have: it knows nothing of what the exam
// should be like.
const (
	// findingEmpty: there is no record at all.
	findingEmpty = "NoRecords"
	// findingUnsealed: records could still be added, or were taken from the end.
	findingUnsealed = "NotSealed"
	// findingOtherSeal: the seal is not the one that the exam is known to have.
	findingOtherSeal = "OtherSeal"
)

// verdict is what `kubectl exam verify` says, and its JSON.
type verdict struct {
	Exam   string `json:"exam"`
	Proven bool   `json:"proven"`
	Sealed bool   `json:"sealed"`
	// Head is the SHA-256 of the seal.
	Head     string           `json:"head,omitempty"`
	Students []verdictStudent `json:"students"`
	Pictures verdictPictures  `json:"pictures"`
	Findings []finding        `json:"findings"`
}

type verdictStudent struct {
	ID      string `json:"id"`
	Records int64  `json:"records"`
	Proven  int64  `json:"proven"`
}

type verdictPictures struct {
	// Kept are as they were; Expired were deleted, and a receipt says so.
	Kept    int `json:"kept"`
	Expired int `json:"expired"`
	// Undeleted should have been, and Unreferenced belong to no record: neither is
	// proof of anything.
	Undeleted    int `json:"undeleted"`
	Unreferenced int `json:"unreferenced"`
}

type finding struct {
	Code    string `json:"code"`
	Key     string `json:"key,omitempty"`
	Student string `json:"student,omitempty"`
	Seq     int64  `json:"seq,omitempty"`
	Detail  string `json:"detail"`
}

func newVerdict(exam string, report *verify.Report) *verdict {
	v := &verdict{
		Exam: exam, Sealed: report.Sealed, Students: []verdictStudent{}, Findings: []finding{},
		Pictures: verdictPictures{report.Blobs, report.Expired, report.Undeleted, report.Unreferenced},
	}

	for _, student := range report.Students {
		v.Students = append(v.Students, verdictStudent(student))
	}

	for _, p := range report.Problems {
		v.Findings = append(v.Findings, finding{string(p.Code), p.Key, p.Student, p.Seq, p.Detail})
	}

	return v
}

// judge adds what is wrong given what the exam should be like: its seal's hash, ""
// if it is not known.
func (v *verdict) judge(head string, allowUnsealed bool) {
	records, _ := v.records()

	switch {
	case head != "" && v.Head != head && v.Head != "":
		v.Findings = append(v.Findings, finding{
			Code: findingOtherSeal, Key: format.SealKey, Detail: "its SHA-256 is not the expected " + head,
		})
	case head != "" && v.Head == "":
		v.Findings = append(v.Findings, finding{
			Code: findingOtherSeal, Key: format.SealKey, Detail: "it is not there, and the exam was sealed as " + head,
		})
	case records == 0 && !v.Sealed:
		v.Findings = append(v.Findings, finding{
			Code: findingEmpty, Detail: "there is neither a record nor a seal: is this the exam's own folder?",
		})
	case !v.Sealed && !allowUnsealed:
		v.Findings = append(v.Findings, finding{
			Code: findingUnsealed, Key: format.SealKey,
			Detail: "the end of the record is not proven; --allow-unsealed takes it as it is while the exam runs",
		})
	}

	v.Proven = len(v.Findings) == 0
}

// records counts all students' records, and those that are proven.
func (v *verdict) records() (records, proven int64) {
	for _, student := range v.Students {
		records += student.Records
		proven += student.Proven
	}

	return records, proven
}

func (v *verdict) write(w io.Writer, output string, width int) error {
	if output == "json" {
		encoder := json.NewEncoder(w)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)

		return encoder.Encode(v)
	}

	out := &bytes.Buffer{}
	v.writeHeader(out, width)

	if len(v.Findings) > 0 {
		fmt.Fprintln(out, "\nFindings:")

		for _, f := range v.Findings {
			text := f.Code + ": " + f.Detail
			if f.Key != "" {
				text = f.Code + " " + f.Key + ": " + f.Detail
			}

			for i, line := range wrap(text, width-4) {
				fmt.Fprintln(out, [2]string{"  - ", "    "}[min(i, 1)]+line)
			}
		}
	}

	if len(v.Students) > 0 {
		fmt.Fprintln(out)

		if err := v.table().write(out, width); err != nil {
			return err
		}
	}

	_, err := w.Write(out.Bytes())

	return err
}

func (v *verdict) writeHeader(out *bytes.Buffer, width int) {
	records, proven := v.records()

	seal := "none"

	switch {
	case v.Sealed:
		seal = v.Head
	case v.Head != "":
		seal = "not valid"
	}

	text := "proven"

	switch {
	case len(v.Findings) > 0:
		text = "not proven, " + plural(len(v.Findings), "finding")
	case !v.Sealed:
		text = "nothing is wrong; not sealed, so the end is not proven"
	}

	field(out, width, "Exam:", v.Exam)
	field(out, width, "Verdict:", text)
	field(out, width, "Seal:", seal)
	field(out, width, "Records:", fmt.Sprintf("%d, %d of them proven", records, proven))
	field(out, width, "Pictures:", fmt.Sprintf("%d kept, %d expired", v.Pictures.Kept, v.Pictures.Expired))

	if v.Pictures.Undeleted > 0 || v.Pictures.Unreferenced > 0 {
		field(out, width, "Besides:", fmt.Sprintf("%d pictures should have been deleted, %d belong to no record",
			v.Pictures.Undeleted, v.Pictures.Unreferenced))
	}
}

func (v *verdict) table() *table {
	t := &table{columns: []column{{title: "STUDENT", shrink: 1}, {title: "RECORDS"}, {title: "PROVEN"}}}
	for _, student := range v.Students {
		t.rows = append(t.rows, []string{
			student.ID, strconv.FormatInt(student.Records, 10), strconv.FormatInt(student.Proven, 10),
		})
	}

	return t
}
