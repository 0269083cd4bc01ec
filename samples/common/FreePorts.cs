using System.Net;
using System.Net.Sockets;

namespace NativeGreenlet.Common;

/// <summary>Ports for servers that are told theirs on the command line.</summary>
internal static class FreePorts
{
    // Below those that systems give to connections and to port 0: such a port is soon given to somebody else.
    private const int First = 10_000;
    private const int End = 32_000;
    private const int Attempts = 1_000;

    /// <summary>Finds a port of this machine that nobody uses now.</summary>
    /// <exception cref="InvalidOperationException">None was found.</exception>
    public static int Find() => Find(1)[0];

    /// <summary>Finds several, no two of which are equal.</summary>
    /// <param name="count">How many.</param>
    /// <exception cref="InvalidOperationException">There are not as many.</exception>
    public static int[] Find(int count)
    {
        HashSet<int> found = [];
        for (int i = 0; i < Attempts && found.Count < count; i++)
        {
            int port = Random.Shared.Next(First, End);
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Loopback, port));
                found.Add(port);
            }
            catch (SocketException exception) when (exception.SocketErrorCode is SocketError.AddressAlreadyInUse or SocketError.AccessDenied)
            {
                // Somebody uses it; the next.
            }
        }

        return found.Count == count ? [.. found] : throw new InvalidOperationException($"{found.Count} free ports were found between {First} and {End}, not {count}. End programs that listen there.");
    }
}
