using System.Diagnostics;
using System.Net.Sockets;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="TcpListener"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(TcpListener))]
[StackTraceHidden]
public static class TcpListenerTwin
{
    public static TcpClient AcceptTcpClient(TcpListener self) =>
        Hub.IsInside ? Parking.Run(token => self.AcceptTcpClientAsync(token).AsTask(), whenGivenUp: static late => late.Dispose()) : self.AcceptTcpClient();

    public static Socket AcceptSocket(TcpListener self) =>
        Hub.IsInside ? Parking.Run(token => self.AcceptSocketAsync(token).AsTask(), whenGivenUp: static late => late.Dispose()) : self.AcceptSocket();
}
