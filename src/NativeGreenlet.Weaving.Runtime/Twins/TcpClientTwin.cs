using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="TcpClient"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(TcpClient))]
[StackTraceHidden]
public static class TcpClientTwin
{
    [GreenletTwin(".ctor")]
    public static TcpClient New(string hostname, int port)
    {
        if (!Hub.IsInside || hostname is null || port is < IPEndPoint.MinPort or > IPEndPoint.MaxPort)
        {
            return new TcpClient(hostname!, port);
        }

        TcpClient client = new();
        try
        {
            Connect(client, hostname, port);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    public static void Connect(TcpClient self, string hostname, int port)
    {
        if (!Hub.IsInside || hostname is null)
        {
            self.Connect(hostname!, port);
            return;
        }

        Parking.Run(token => self.ConnectAsync(hostname, port, token).AsTask());
    }

    public static void Connect(TcpClient self, IPAddress address, int port)
    {
        if (!Hub.IsInside || address is null)
        {
            self.Connect(address!, port);
            return;
        }

        Parking.Run(token => self.ConnectAsync(address, port, token).AsTask());
    }

    public static void Connect(TcpClient self, IPAddress[] ipAddresses, int port)
    {
        if (!Hub.IsInside || ipAddresses is null)
        {
            self.Connect(ipAddresses!, port);
            return;
        }

        Parking.Run(token => self.ConnectAsync(ipAddresses, port, token).AsTask());
    }

    public static void Connect(TcpClient self, IPEndPoint remoteEP)
    {
        if (!Hub.IsInside || remoteEP is null)
        {
            self.Connect(remoteEP!);
            return;
        }

        Parking.Run(token => self.ConnectAsync(remoteEP, token).AsTask());
    }
}
