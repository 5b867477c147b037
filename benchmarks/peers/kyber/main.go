// Measures Neff's shuffle, decryption shares and their proofs with DEDIS's kyber, on Ed25519.
//
// Prints one JSON object: processor seconds of every step for -ballots ciphertexts.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"syscall"

	"go.dedis.ch/kyber/v4"
	"go.dedis.ch/kyber/v4/group/edwards25519"
	"go.dedis.ch/kyber/v4/proof"
	"go.dedis.ch/kyber/v4/proof/dleq"
	"go.dedis.ch/kyber/v4/shuffle"
)

const module = "go.dedis.ch/kyber/v4"

type steps struct {
	Encrypt float64 `json:"encrypt"`
	Shuffle float64 `json:"shuffle"`
	Verify  float64 `json:"verify_shuffle"`
	Decrypt float64 `json:"decrypt"`
	Shares  float64 `json:"verify_decrypt"`
}

func main() {
	ballots := flag.Int("ballots", 100, "how many ciphertexts")
	flag.Parse()
	suite := edwards25519.NewBlakeSHA256Ed25519()
	stream := suite.RandomStream()
	secret := suite.Scalar().Pick(stream)
	public := suite.Point().Mul(secret, nil)
	base := suite.Point().Base()
	var seconds steps

	first, second := make([]kyber.Point, *ballots), make([]kyber.Point, *ballots)
	seconds.Encrypt = measure(func() {
		for i := range first {
			message := suite.Point().Embed([]byte("benchmark"), stream)
			r := suite.Scalar().Pick(stream)
			first[i] = suite.Point().Mul(r, nil)
			second[i] = suite.Point().Add(suite.Point().Mul(r, public), message)
		}
	})
	var mixed1, mixed2 []kyber.Point
	var written []byte
	seconds.Shuffle = measure(func() {
		var prover proof.Prover
		mixed1, mixed2, prover = shuffle.Shuffle(suite, nil, public, first, second, stream)
		written = must(proof.HashProve(suite, "benchmark", prover))
	})
	seconds.Verify = measure(func() {
		verifier := shuffle.Verifier(suite, nil, public, first, second, mixed1, mixed2)
		check(proof.HashVerify(suite, "benchmark", verifier, written))
	})
	proofs, shares := make([]*dleq.Proof, *ballots), make([]kyber.Point, *ballots)
	seconds.Decrypt = measure(func() {
		for i := range mixed1 {
			made, _, share, err := dleq.NewDLEQProof(suite, base, mixed1[i], secret)
			check(err)
			proofs[i], shares[i] = made, share
		}
	})
	seconds.Shares = measure(func() {
		for i := range proofs {
			check(proofs[i].Verify(suite, base, mixed1[i], public, shares[i]))
		}
	})
	check(json.NewEncoder(os.Stdout).Encode(map[string]any{
		"peer": "kyber", "version": version(), "group": suite.String(), "ballots": *ballots, "seconds": seconds,
	}))
}

// measure gives the processor seconds, user and system, of some work.
func measure(work func()) float64 {
	before := used()
	work()
	return used() - before
}

func used() float64 {
	var usage syscall.Rusage
	check(syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
}

func version() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, dependency := range info.Deps {
			if dependency.Path == module {
				return dependency.Version
			}
		}
	}
	return "unknown"
}

func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
