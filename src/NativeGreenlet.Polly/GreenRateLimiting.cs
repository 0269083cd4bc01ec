using System.Threading.RateLimiting;
using NativeGreenlet.Cooperative;

namespace NativeGreenlet.Polly;

/// <summary>Lets tasks wait for the permits of .NET's rate limiters.</summary>
/// <example><code>
/// using RateLimiter limiter = new ConcurrencyLimiter(new() { PermitLimit = 10, QueueLimit = 1000 });
/// Hub.Run(() =>
/// {
///     using RateLimitLease lease = limiter.AcquireGreen(); // parks until there is a permit
///     Console.WriteLine(lease.IsAcquired);
/// });
/// </code></example>
public static class GreenRateLimiting
{
    /// <summary>Waits for permits. A lease that comes when the wait has been given up is disposed of, so that no permit is
    /// lost.</summary>
    /// <param name="limiter">The limiter.</param>
    /// <param name="permitCount">How many permits.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled.</param>
    /// <returns>The lease; <see cref="RateLimitLease.IsAcquired"/> is false if the queue of the limiter is full.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="limiter"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The limiter never has so many permits.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static RateLimitLease AcquireGreen(this RateLimiter limiter, int permitCount = 1, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(limiter);
        return Hub.Await(token => AcquireAsync(limiter, permitCount, token, cancellationToken), static late => late.Dispose());
    }

    private static async Task<RateLimitLease> AcquireAsync(RateLimiter limiter, int permitCount, CancellationToken token, CancellationToken callers)
    {
        using CancellationTokenSource both = CancellationTokenSource.CreateLinkedTokenSource(token, callers);
        return await limiter.AcquireAsync(permitCount, both.Token).ConfigureAwait(false);
    }
}
