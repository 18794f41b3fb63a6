package dev.lethe.server;

import dev.lethe.server.http.Limits;
import dev.lethe.server.http.Origins;
import dev.lethe.server.inference.BatchingOptions;
import dev.lethe.server.inference.ModelOptions;
import dev.lethe.server.inference.ServingCompute;
import dev.lethe.server.lifecycle.Lifecycle;
import dev.lethe.server.security.AccessOptions;
import dev.lethe.server.security.LatentRules;
import dev.lethe.server.security.TlsOptions;
import dev.lethe.server.store.DatabaseUrl;
import dev.lethe.server.unlearning.JobQueue;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What an operator decides.
 *
 * @param host address to listen on
 * @param port 0 for a free one
 * @param tls empty: without TLS
 * @param access who may do what
 * @param console whether there are pages for browsers
 * @param origins whose pages are answered
 * @param models directory of shipped models, only read
 * @param state directory that new versions go to
 * @param jobs directory of unlearning jobs
 * @param database of jobs and versions
 * @param keyFile the server's own key, unless the environment has it; made if it is not there
 * @param signingKey file of the key that versions are signed with
 * @param rules which retired versions may be served, and when they are deleted
 * @param confirmedLost erasures whose versions an operator says are lost
 * @param emptyState whether a server may start whose state is empty
 * @param unlearning how jobs are carried out, if they are
 * @param data directory of the data set that workers are told of
 * @param compute what models are computed on
 * @param batching how images are gathered into batches
 * @param ownOptions of models that differ from the two above, by name
 * @param latents what clients may send
 * @param limits how much clients may ask for
 * @param drain how long calls in flight may go on at the end
 */
public record ServerOptions(String host, int port, Optional<TlsOptions> tls, AccessOptions access, boolean console,
    Origins origins, Path models, Path state, Path jobs, DatabaseUrl database, Path keyFile,
    Path signingKey, Lifecycle.Rules rules,
    Set<String> confirmedLost, boolean emptyState, JobQueue.Options unlearning, Optional<Path> data,
        ServingCompute compute,
    BatchingOptions batching, Map<String, ModelOptions> ownOptions, LatentRules latents, Limits limits,
    Duration drain) {}
