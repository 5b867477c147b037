import ch.bfh.unicrypt.crypto.mixer.classes.ReEncryptionMixer;
import ch.bfh.unicrypt.crypto.proofsystem.classes.PermutationCommitmentProofSystem;
import ch.bfh.unicrypt.crypto.proofsystem.classes.ReEncryptionShuffleProofSystem;
import ch.bfh.unicrypt.crypto.schemes.commitment.classes.PermutationCommitmentScheme;
import ch.bfh.unicrypt.crypto.schemes.encryption.classes.ElGamalEncryptionScheme;
import ch.bfh.unicrypt.math.algebra.additive.classes.ECZModPrime;
import ch.bfh.unicrypt.math.algebra.additive.parameters.ECZModPrimeParameters;
import ch.bfh.unicrypt.math.algebra.general.classes.Pair;
import ch.bfh.unicrypt.math.algebra.general.classes.PermutationElement;
import ch.bfh.unicrypt.math.algebra.general.classes.Triple;
import ch.bfh.unicrypt.math.algebra.general.classes.Tuple;
import ch.bfh.unicrypt.math.algebra.general.interfaces.Element;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;
import java.util.Locale;

/** Measures the shuffle of Wikström and Terelius in UniCrypt, on the curve P-256; prints one JSON object. */
final class Peer {

    private static final OperatingSystemMXBean SYSTEM =
        (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

    private Peer() {}

    public static void main(String[] words) throws Exception {
        int ballots = Integer.parseInt(words[0]);
        var group = ECZModPrime.getInstance(ECZModPrimeParameters.SECP256r1);
        var scheme = ElGamalEncryptionScheme.getInstance(group.getDefaultGenerator());
        Element key = scheme.getKeyPairGenerator().generateKeyPair().getSecond();

        double mark = used();
        var made = new Element[ballots];
        for (int i = 0; i < ballots; i++) {
            made[i] = scheme.encrypt(key, group.getRandomElement());
        }
        Tuple ballotBox = Tuple.getInstance(made);
        final double encrypt = used() - mark;

        mark = used();
        var mixer = ReEncryptionMixer.getInstance(scheme, key, ballots);
        PermutationElement order = mixer.getPermutationGroup().getRandomElement();
        Tuple fresh = mixer.generateRandomizations();
        Tuple mixed = mixer.shuffle(ballotBox, order, fresh);
        var commitments = PermutationCommitmentScheme.getInstance(group, ballots);
        Tuple blinding = commitments.getRandomizationSpace().getRandomElement();
        Tuple committed = commitments.commit(order, blinding);
        var ofPermutation = PermutationCommitmentProofSystem.getInstance(group, ballots);
        var ofShuffle = ReEncryptionShuffleProofSystem.getInstance(ballots, scheme, key);
        Tuple first = ofPermutation.generate(Pair.getInstance(order, blinding), committed);
        Triple known = Triple.getInstance(committed, ballotBox, mixed);
        Tuple second = ofShuffle.generate(Triple.getInstance(order, blinding, fresh), known);
        final double shuffle = used() - mark;

        mark = used();
        if (!ofPermutation.verify(first, committed) || !ofShuffle.verify(second, known)) {
            throw new IllegalStateException("the proof does not verify");
        }
        final double verify = used() - mark;
        System.out.printf(Locale.ROOT,
            "{\"peer\":\"unicrypt\",\"version\":\"2.2\",\"group\":\"P-256\",\"ballots\":%d,\"seconds\":"
                + "{\"encrypt\":%f,\"shuffle\":%f,\"verify_shuffle\":%f}}%n",
            ballots, encrypt, shuffle, verify);
    }

    /** Processor seconds of this process, on all cores. */
    private static double used() {
        return SYSTEM.getProcessCpuTime() / 1e9;
    }
}
