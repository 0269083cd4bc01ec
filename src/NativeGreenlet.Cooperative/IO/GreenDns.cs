using System.Net;

namespace NativeGreenlet.Cooperative;

/// <summary>Looks up names while the task is parked.</summary>
public static class GreenDns
{
    /// <summary>The addresses of a host.</summary>
    /// <param name="host">Its name, or an address.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static IPAddress[] GetHostAddresses(string host) => Hub.Await(Dns.GetHostAddressesAsync(host));

    /// <summary>The names and addresses of a host.</summary>
    /// <param name="host">Its name, or an address.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    public static IPHostEntry GetHostEntry(string host) => Hub.Await(Dns.GetHostEntryAsync(host));
}
