package manifests

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"slices"

	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"

	examv1alpha1 "github.com/invigil/invigil/api/v1alpha1"
	"github.com/invigil/invigil/internal/token"
)

const (
	// LinksFile is the file of each links Secret: id,name,url.
	LinksFile = "links.csv"

	// linksPerSecret keeps a Secret well below Kubernetes' limit of 1 MiB: a
	// line has about 400 bytes.
	linksPerSecret = 1000

	// baseURL is where students reach an exam that has no public address:
	// through the port that `kubectl exam open` forwards.
	baseURL = "http://localhost:8080"
)

// LinksFiles writes each student's signed URL, at most 1,000 to a file. The same
// roster, key and end give the same links. It signs once per student, which is
// worth remembering for a large roster.
func LinksFiles(in Input, keys *Keys) ([][]byte, error) {
	signer := token.NewSigner(keys.Link, in.Exam.Namespace+"/"+in.Exam.Name, nil)
	base := baseURL + ExamPath(in.Exam.Namespace, in.Exam.Name)

	var files [][]byte

	for students := range slices.Chunk(in.Students, linksPerSecret) {
		var file bytes.Buffer

		writer := csv.NewWriter(&file)
		lines := [][]string{{"id", "name", "url"}}

		for _, student := range students {
			link, err := signer.SignLink(student.ID, in.Course.Ends)
			if err != nil {
				return nil, fmt.Errorf("link of %s: %w", student.ID, err)
			}

			lines = append(lines, []string{student.ID, student.Name, base + "#" + link})
		}

		if err := writer.WriteAll(lines); err != nil {
			return nil, fmt.Errorf("write %s: %w", LinksFile, err)
		}

		files = append(files, file.Bytes())
	}

	return files, nil
}

// LinksSecret holds one file of links.
func LinksSecret(exam *examv1alpha1.Exam, chunk int, file []byte) *corev1ac.SecretApplyConfiguration {
	return secret(exam, LinksName(exam.Name, chunk), ComponentAccess, map[string][]byte{LinksFile: file})
}
