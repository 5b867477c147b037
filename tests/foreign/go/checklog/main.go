// Command checklog looks at a log on disk, or at a served one, with other people's libraries: golang.org/x/mod/sumdb
// (notes, Merkle tree), Tessera's fsck and torchwood (client, policy, receipts). It knows nothing of VeMRE.
//
// It reads a job (JSON) on standard input and answers with what it found (JSON) on standard output. What does not
// verify ends it with exit code 1 and the reason on standard error.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"filippo.io/torchwood"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type job struct {
	Dir         string        `json:"dir"`       // a log on disk, or
	URL         string        `json:"url"`       // a served one, with its checkpoint:
	Note        string        `json:"note"`      //
	Log         string        `json:"log"`       // vkey
	Witnesses   []string      `json:"witnesses"` // vkeys
	Policy      string        `json:"policy"`    // C2SP tlog-policy
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
	Receipts    []receipt     `json:"receipts"`
}

type inclusion struct {
	Index int64    `json:"index"`
	Proof []string `json:"proof"`
}

type consistency struct {
	Old     int64    `json:"old"`
	New     int64    `json:"new"`
	OldRoot string   `json:"old_root"`
	NewRoot string   `json:"new_root"`
	Proof   []string `json:"proof"`
}

type receipt struct {
	Entry string `json:"entry"` // base64
	Proof string `json:"proof"`
}

type answer struct {
	Origin    string   `json:"origin"`
	Size      int64    `json:"size"`
	Root      string   `json:"root"`
	Cosigners []string `json:"cosigners"`
	Entries   int64    `json:"entries"`
	Fsck      bool     `json:"fsck"`
}

func main() {
	found, err := run(context.Background())
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) (*answer, error) {
	var j job
	if err := json.NewDecoder(os.Stdin).Decode(&j); err != nil {
		return nil, err
	}
	signed := []byte(j.Note)
	if j.Dir != "" {
		var err error
		if signed, err = os.ReadFile(filepath.Join(j.Dir, "checkpoint")); err != nil {
			return nil, err
		}
	}
	found, tree, err := openCheckpoint(signed, j)
	if err != nil {
		return nil, fmt.Errorf("note: %w", err)
	}
	if found.Entries, err = readEntries(ctx, j, tree); err != nil {
		return nil, fmt.Errorf("entries: %w", err)
	}
	if j.Dir != "" {
		if err := checkFolder(ctx, j, tree); err != nil {
			return nil, err
		}
		found.Fsck = true
	}
	if err := checkProofs(j, tree); err != nil {
		return nil, err
	}
	return found, checkReceipts(j)
}

// openCheckpoint verifies the log's line and the witnesses', and gives the tree.
func openCheckpoint(signed []byte, j job) (*answer, tlog.Tree, error) {
	var none tlog.Tree
	log, err := note.NewVerifier(j.Log)
	if err != nil {
		return nil, none, err
	}
	verifiers := []note.Verifier{log}
	for _, vkey := range j.Witnesses {
		witness, err := newCosigner(vkey)
		if err != nil {
			return nil, none, err
		}
		verifiers = append(verifiers, witness)
	}
	n, err := note.Open(signed, note.VerifierList(verifiers...))
	if err != nil {
		return nil, none, err
	}
	checkpoint, err := torchwood.ParseCheckpoint(n.Text)
	if err != nil {
		return nil, none, err
	}
	found := &answer{Origin: checkpoint.Origin, Size: checkpoint.N, Root: checkpoint.Hash.String()}
	byLog := false
	for _, signature := range n.Sigs {
		if signature.Name == log.Name() && signature.Hash == log.KeyHash() {
			byLog = true
		} else {
			found.Cosigners = append(found.Cosigners, signature.Name)
		}
	}
	if !byLog || checkpoint.Origin != log.Name() {
		return nil, none, errors.New("not the log's own checkpoint")
	}
	if j.Policy != "" {
		policy, err := torchwood.ParsePolicy([]byte(j.Policy))
		if err != nil {
			return nil, none, err
		}
		if _, _, err := torchwood.VerifyCheckpoint(signed, policy); err != nil {
			return nil, none, err
		}
	}
	return found, checkpoint.Tree, nil
}

// readEntries lets torchwood's client read and authenticate every entry; gives their number.
func readEntries(ctx context.Context, j job, tree tlog.Tree) (int64, error) {
	var tiles torchwood.TileReader
	var err error
	if j.Dir != "" {
		tiles, err = torchwood.NewTileFS(os.DirFS(j.Dir))
	} else {
		tiles, err = torchwood.NewTileFetcher(j.URL)
	}
	if err != nil {
		return 0, err
	}
	reader, err := torchwood.NewClient(tiles)
	if err != nil {
		return 0, err
	}
	var count int64
	for index, entry := range reader.AllEntries(ctx, tree, 0) {
		if index != count || len(entry) == 0 {
			return 0, fmt.Errorf("entry %d where %d was expected", index, count)
		}
		count++
	}
	return count, reader.Err()
}

// checkFolder lets Tessera rebuild every tile from the entries, and compares our proofs with those of x/mod.
func checkFolder(ctx context.Context, j job, tree tlog.Tree) error {
	log, err := note.NewVerifier(j.Log)
	if err != nil {
		return err
	}
	files := client.FileFetcher{Root: j.Dir}
	if err := fsck.New(log.Name(), log, files, hashBundle, fsck.Opts{}).Check(ctx); err != nil {
		return fmt.Errorf("fsck: %w", err)
	}
	hashes := tlog.TileHashReader(tree, folder{j.Dir})
	for _, ours := range j.Inclusion {
		theirs, err := tlog.ProveRecord(tree.N, ours.Index, hashes)
		if err != nil {
			return err
		}
		if err := same("inclusion", ours.Proof, theirs); err != nil {
			return err
		}
		leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, ours.Index)})
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(theirs, tree.N, tree.Hash, ours.Index, leaf[0]); err != nil {
			return err
		}
	}
	for _, ours := range j.Consistency {
		if ours.New != tree.N {
			continue
		}
		theirs, err := tlog.ProveTree(ours.New, ours.Old, hashes)
		if err != nil {
			return err
		}
		if err := same("consistency", ours.Proof, theirs); err != nil {
			return err
		}
	}
	return nil
}

// checkProofs verifies our consistency proofs, of any two sizes.
func checkProofs(j job, _ tlog.Tree) error {
	for _, ours := range j.Consistency {
		oldRoot, err := tlog.ParseHash(ours.OldRoot)
		if err != nil {
			return err
		}
		newRoot, err := tlog.ParseHash(ours.NewRoot)
		if err != nil {
			return err
		}
		proof := make(tlog.TreeProof, len(ours.Proof))
		for i, text := range ours.Proof {
			if proof[i], err = tlog.ParseHash(text); err != nil {
				return err
			}
		}
		if err := tlog.CheckTree(proof, ours.New, newRoot, ours.Old, oldRoot); err != nil {
			return fmt.Errorf("consistency %d to %d: %w", ours.Old, ours.New, err)
		}
	}
	return nil
}

// checkReceipts lets torchwood verify receipts under the policy.
func checkReceipts(j job) error {
	if len(j.Receipts) == 0 {
		return nil
	}
	policy, err := torchwood.ParsePolicy([]byte(j.Policy))
	if err != nil {
		return err
	}
	for _, r := range j.Receipts {
		entry, err := base64.StdEncoding.DecodeString(r.Entry)
		if err != nil {
			return err
		}
		if err := torchwood.VerifyProof(policy, tlog.RecordHash(entry), []byte(r.Proof)); err != nil {
			return fmt.Errorf("receipt: %w", err)
		}
	}
	return nil
}

func hashBundle(data []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(data); err != nil {
		return nil, err
	}
	var hashes [][]byte
	for _, entry := range bundle.Entries {
		hash := tlog.RecordHash(entry)
		hashes = append(hashes, hash[:])
	}
	return hashes, nil
}

func same[P ~[]tlog.Hash](what string, ours []string, theirs P) error {
	if len(ours) != len(theirs) {
		return fmt.Errorf("%s: %d hashes where x/mod has %d", what, len(ours), len(theirs))
	}
	for i, hash := range theirs {
		data, err := base64.StdEncoding.DecodeString(ours[i])
		if err != nil || !bytes.Equal(data, hash[:]) {
			return fmt.Errorf("%s: hash %d is another", what, i)
		}
	}
	return nil
}
