// Command feed brings a log on disk to a witness with other people's libraries: Tessera computes the consistency proof,
// the witness client of transparency-dev speaks tlog-witness, and its verifier checks what comes back.
//
//	feed LOG-FOLDER LOG-VKEY WITNESS-URL WITNESS-VKEY OLD-SIZE
//
// It answers with what happened (JSON): the status of each attempt, and the verified cosignature lines.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strconv"

	formats "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/tessera/client"
	witnesses "github.com/transparency-dev/witness/client/http"
	"github.com/transparency-dev/witness/witness"
	"golang.org/x/mod/sumdb/note"
)

type attempt struct {
	Old    uint64 `json:"old"`
	Status string `json:"status"`
	Size   uint64 `json:"size"`
}

type answer struct {
	Attempts []attempt `json:"attempts"`
	Lines    string    `json:"lines"`
}

func main() {
	found, err := run(context.Background(), os.Args[1:])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(found)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) (*answer, error) {
	if len(args) != 5 {
		return nil, errors.New("usage: feed LOG-FOLDER LOG-VKEY WITNESS-URL WITNESS-VKEY OLD-SIZE")
	}
	log, err := note.NewVerifier(args[1])
	if err != nil {
		return nil, err
	}
	cosigner, err := formats.NewVerifierForCosignatureV1(args[3])
	if err != nil {
		return nil, err
	}
	old, err := strconv.ParseUint(args[4], 10, 64)
	if err != nil {
		return nil, err
	}
	place, err := url.Parse(args[2])
	if err != nil {
		return nil, err
	}
	files := client.FileFetcher{Root: args[0]}
	checkpoint, signed, _, err := client.FetchCheckpoint(ctx, files.ReadCheckpoint, log, log.Name())
	if err != nil {
		return nil, err
	}
	prover, err := client.NewProofBuilder(ctx, checkpoint.Size, files.ReadTile)
	if err != nil {
		return nil, err
	}
	their := witnesses.NewWitness(place, http.DefaultClient)
	found := &answer{}
	for range 2 {
		var proof [][]byte
		if 0 < old && old < checkpoint.Size {
			if proof, err = prover.ConsistencyProof(ctx, old, checkpoint.Size); err != nil {
				return nil, err
			}
		}
		lines, size, err := their.Update(ctx, old, signed, proof)
		found.Attempts = append(found.Attempts, attempt{old, status(err), size})
		if err == nil {
			found.Lines = string(lines)
			return found, verify(signed, lines, log, cosigner)
		}
		if !errors.Is(err, witness.ErrCheckpointStale) || size > checkpoint.Size {
			break
		}
		old = size
	}
	return found, nil
}

// verify finds the witness's cosignature beside the log's signature.
func verify(signed, lines []byte, log, cosigner note.Verifier) error {
	opened, err := note.Open(append(signed, lines...), note.VerifierList(log, cosigner))
	if err != nil {
		return err
	}
	for _, signature := range opened.Sigs {
		if signature.Hash == cosigner.KeyHash() && signature.Name == cosigner.Name() {
			return nil
		}
	}
	return errors.New("no cosignature of the witness")
}

func status(err error) string {
	for _, known := range []struct {
		err  error
		name string
	}{
		{nil, "cosigned"},
		{witness.ErrCheckpointStale, "stale"},
		{witness.ErrUnknownLog, "unknown-log"},
		{witness.ErrNoValidSignature, "no-valid-signature"},
		{witness.ErrOldSizeInvalid, "old-size-invalid"},
		{witness.ErrInvalidProof, "invalid-proof"},
		{witness.ErrRootMismatch, "root-mismatch"},
		{witness.ErrPushback, "pushback"},
	} {
		if errors.Is(err, known.err) {
			return known.name
		}
	}
	return err.Error()
}
