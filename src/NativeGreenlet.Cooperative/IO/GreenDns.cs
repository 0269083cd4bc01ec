using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Tasks;

namespace NativeGreenlet.Cooperative;

/// <summary>Looks up names while the task is parked.</summary>
/// <remarks>A look-up that is given up goes on in the system, and nobody gets what it finds.</remarks>
/// <example><code>
/// IPAddress[] addresses = GreenDns.GetHostAddresses("example.org");
/// </code></example>
public static class GreenDns
{
    /// <summary>Looks up the addresses of a host.</summary>
    /// <param name="host">Its name, or an address.</param>
    /// <returns>The addresses.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="host"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="SocketException">It has none, or nobody could be asked.</exception>
    public static IPAddress[] GetHostAddresses(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return Hub.Await(token => Task.Run(() => Dns.GetHostAddressesAsync(host, token), token));
    }

    /// <inheritdoc cref="GetHostAddresses(string)" path="/*[not(self::param)]"/>
    /// <param name="host">Its name, or an address.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled; the look-up goes on in the system.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static IPAddress[] GetHostAddresses(string host, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return GetHostAddresses(host);
    }

    /// <summary>Looks up the names and addresses of a host.</summary>
    /// <param name="host">Its name, or an address.</param>
    /// <returns>The names and addresses.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="host"/> is null.</exception>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    /// <exception cref="SocketException">It has none, or nobody could be asked.</exception>
    public static IPHostEntry GetHostEntry(string host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return Hub.Await(token => Task.Run(() => Dns.GetHostEntryAsync(host, token), token));
    }

    /// <inheritdoc cref="GetHostEntry(string)" path="/*[not(self::param)]"/>
    /// <param name="host">Its name, or an address.</param>
    /// <param name="cancellationToken">Ends the wait when it is cancelled; the look-up goes on in the system.</param>
    /// <exception cref="OperationCanceledException">The token is cancelled.</exception>
    public static IPHostEntry GetHostEntry(string host, CancellationToken cancellationToken)
    {
        using CancellationLimit? limit = CancellationLimit.Enter(cancellationToken);
        return GetHostEntry(host);
    }

    /// <summary>The addresses of a host. False if the time is up.</summary>
    internal static bool TryGetHostAddresses(string host, TimeSpan timeout, [NotNullWhen(true)] out IPAddress[]? addresses) =>
        Hub.TryAwait(token => Task.Run(() => Dns.GetHostAddressesAsync(host, token), token), timeout, whenGivenUp: null, TimeSpan.Zero, out addresses);
}
