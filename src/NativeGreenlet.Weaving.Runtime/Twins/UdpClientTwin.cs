using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="UdpClient"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(UdpClient))]
[StackTraceHidden]
public static class UdpClientTwin
{
    public static byte[] Receive(UdpClient self, ref IPEndPoint? remoteEP)
    {
        if (!Sockets.CanPark(self.Client) || self.Available > 0)
        {
            return self.Receive(ref remoteEP);
        }

        UdpReceiveResult result = Sockets.Timed(self.Client, token => self.ReceiveAsync(token).AsTask(), self.Client.ReceiveTimeout);
        remoteEP = result.RemoteEndPoint;
        return result.Buffer;
    }
}
