using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative.Tests.Infrastructure;

namespace NativeGreenlet.Cooperative.Tests.IO;

/// <summary>Connecting again after a refusal, and datagrams without a byte. <see cref="WithoutPollerTests"/> runs them, too.</summary>
public class ConnectTests
{
    [Fact]
    public void A_socket_connects_after_it_was_refused() => InHub.Run(() =>
    {
        int port = FreePort();
        IPEndPoint at = new(IPAddress.Loopback, port);
        using GreenSocket client = new();
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => client.Connect(at)).SocketErrorCode);
        }

        using GreenSocket listener = new();
        listener.Bind(at);
        listener.Listen();
        client.Connect(at);
        using GreenSocket far = listener.Accept();
        far.Send([7]);
        byte[] buffer = new byte[1];
        Assert.Equal(1, client.Receive(buffer));
        Assert.Equal(7, buffer[0]);
        using GreenStream stream = client.GetStream();
        stream.WriteByte(8);
        Assert.Equal(1, far.Receive(buffer));
    });

    [Fact]
    public void The_static_one_works_after_a_refusal_and_names_are_tried_address_by_address() => InHub.Run(() =>
    {
        int port = FreePort();
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => GreenSocket.Connect("localhost", port)).SocketErrorCode);
        using GreenSocket listener = new();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen();
        using GreenSocket client = GreenSocket.Connect("localhost", port); // by IPv6 first, where there is that
        Assert.NotNull(client.RemoteEndPoint);
    });

    [Fact]
    public void An_empty_datagram_is_sent() => InHub.Run(() =>
    {
        using GreenSocket receiver = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = InHub.Long };
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using GreenSocket sender = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        Assert.Equal(0, sender.SendTo([], receiver.LocalEndPoint!));
        Assert.Equal(0, receiver.ReceiveFrom(new byte[8], out EndPoint from));
        Assert.Equal(((IPEndPoint)sender.LocalEndPoint!).Port, ((IPEndPoint)from).Port);
        sender.Connect(receiver.LocalEndPoint!);
        sender.Send([]);
        Assert.Equal(0, receiver.ReceiveFrom(new byte[8], out _));
        sender.Send([5]);
        Assert.Equal(1, receiver.ReceiveFrom(new byte[8], out _));
        sender.Send([]);
        sender.Send([], SocketFlags.DontRoute);
        Assert.Equal(0, receiver.Receive(new byte[8]));
        Assert.Equal(0, receiver.Receive(new byte[8]));
    });

    // Of which nobody is given another meanwhile: it was bound, and nothing listens.
    private static int FreePort()
    {
        using Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
