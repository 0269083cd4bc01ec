using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Dns"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Dns))]
[StackTraceHidden]
public static class DnsTwin
{
    public static IPAddress[] GetHostAddresses(string hostNameOrAddress) =>
        Hub.IsInside ? Parking.Run(token => Dns.GetHostAddressesAsync(hostNameOrAddress, token)) : Dns.GetHostAddresses(hostNameOrAddress);

    public static IPAddress[] GetHostAddresses(string hostNameOrAddress, AddressFamily family) =>
        Hub.IsInside ? Parking.Run(token => Dns.GetHostAddressesAsync(hostNameOrAddress, family, token)) : Dns.GetHostAddresses(hostNameOrAddress, family);

    public static IPHostEntry GetHostEntry(string hostNameOrAddress) =>
        Hub.IsInside ? Parking.Run(token => Dns.GetHostEntryAsync(hostNameOrAddress, token)) : Dns.GetHostEntry(hostNameOrAddress);

    public static IPHostEntry GetHostEntry(string hostNameOrAddress, AddressFamily family) =>
        Hub.IsInside ? Parking.Run(token => Dns.GetHostEntryAsync(hostNameOrAddress, family, token)) : Dns.GetHostEntry(hostNameOrAddress, family);

    public static IPHostEntry GetHostEntry(IPAddress address) =>
        Hub.IsInside ? Parking.Run(_ => Dns.GetHostEntryAsync(address)) : Dns.GetHostEntry(address);
}
