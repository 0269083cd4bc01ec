using System.Collections;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Socket"/> in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Socket))]
[StackTraceHidden]
public static class SocketTwin
{
    public static int Receive(Socket self, byte[] buffer) => Receive(self, buffer, 0, buffer?.Length ?? 0, SocketFlags.None);

    public static int Receive(Socket self, byte[] buffer, SocketFlags socketFlags) => Receive(self, buffer, 0, buffer?.Length ?? 0, socketFlags);

    public static int Receive(Socket self, byte[] buffer, int size, SocketFlags socketFlags) => Receive(self, buffer, 0, size, socketFlags);

    public static int Receive(Socket self, byte[] buffer, int offset, int size, SocketFlags socketFlags) =>
        !Sockets.CanPark(self) || !Streams.IsRange(buffer, offset, size) || Sockets.HasData(self)
            ? self.Receive(buffer, offset, size, socketFlags)
            : Sockets.Receive(self, buffer.AsMemory(offset, size), socketFlags);

    public static int Receive(Socket self, byte[] buffer, int offset, int size, SocketFlags socketFlags, out SocketError errorCode)
    {
        if (!Sockets.CanPark(self) || !Streams.IsRange(buffer, offset, size) || Sockets.HasData(self))
        {
            return self.Receive(buffer, offset, size, socketFlags, out errorCode);
        }

        return Sockets.WithCode(() => Sockets.Receive(self, buffer.AsMemory(offset, size), socketFlags), out errorCode);
    }

    public static int Receive(Socket self, Span<byte> buffer) => Receive(self, buffer, SocketFlags.None);

    public static int Receive(Socket self, Span<byte> buffer, SocketFlags socketFlags)
    {
        int count = Receive(self, buffer, socketFlags, out SocketError errorCode);
        return errorCode == SocketError.Success ? count : throw new SocketException((int)errorCode);
    }

    public static int Receive(Socket self, Span<byte> buffer, SocketFlags socketFlags, out SocketError errorCode)
    {
        if (!Sockets.CanPark(self) || Sockets.HasData(self))
        {
            return self.Receive(buffer, socketFlags, out errorCode);
        }

        byte[] copy = new byte[buffer.Length];
        int count = Receive(self, copy, 0, copy.Length, socketFlags, out errorCode);
        copy.AsSpan(0, count).CopyTo(buffer);
        return count;
    }

    public static int Receive(Socket self, IList<ArraySegment<byte>> buffers) => Receive(self, buffers, SocketFlags.None);

    public static int Receive(Socket self, IList<ArraySegment<byte>> buffers, SocketFlags socketFlags) =>
        !Sockets.CanPark(self) || buffers is null || Sockets.HasData(self)
            ? self.Receive(buffers!, socketFlags)
            : Sockets.Timed(self, _ => self.ReceiveAsync(buffers, socketFlags), self.ReceiveTimeout);

    public static int Receive(Socket self, IList<ArraySegment<byte>> buffers, SocketFlags socketFlags, out SocketError errorCode) =>
        !Sockets.CanPark(self) || buffers is null || Sockets.HasData(self)
            ? self.Receive(buffers!, socketFlags, out errorCode)
            : Sockets.WithCode(() => Receive(self, buffers, socketFlags), out errorCode);

    public static int ReceiveFrom(Socket self, byte[] buffer, ref EndPoint remoteEP) => ReceiveFrom(self, buffer, 0, buffer?.Length ?? 0, SocketFlags.None, ref remoteEP);

    public static int ReceiveFrom(Socket self, byte[] buffer, SocketFlags socketFlags, ref EndPoint remoteEP) =>
        ReceiveFrom(self, buffer, 0, buffer?.Length ?? 0, socketFlags, ref remoteEP);

    public static int ReceiveFrom(Socket self, byte[] buffer, int size, SocketFlags socketFlags, ref EndPoint remoteEP) =>
        ReceiveFrom(self, buffer, 0, size, socketFlags, ref remoteEP);

    public static int ReceiveFrom(Socket self, byte[] buffer, int offset, int size, SocketFlags socketFlags, ref EndPoint remoteEP)
    {
        if (!Sockets.CanPark(self) || !Streams.IsRange(buffer, offset, size) || remoteEP is null || Sockets.HasData(self))
        {
            return self.ReceiveFrom(buffer, offset, size, socketFlags, ref remoteEP!);
        }

        EndPoint any = remoteEP;
        SocketReceiveFromResult result = Sockets.Timed(
            self,
            token => self.ReceiveFromAsync(buffer.AsMemory(offset, size), socketFlags, any, token).AsTask(),
            self.ReceiveTimeout);
        remoteEP = result.RemoteEndPoint;
        return result.ReceivedBytes;
    }

    public static int ReceiveFrom(Socket self, Span<byte> buffer, ref EndPoint remoteEP) => ReceiveFrom(self, buffer, SocketFlags.None, ref remoteEP);

    public static int ReceiveFrom(Socket self, Span<byte> buffer, SocketFlags socketFlags, ref EndPoint remoteEP)
    {
        if (!Sockets.CanPark(self) || Sockets.HasData(self))
        {
            return self.ReceiveFrom(buffer, socketFlags, ref remoteEP);
        }

        byte[] copy = new byte[buffer.Length];
        int count = ReceiveFrom(self, copy, 0, copy.Length, socketFlags, ref remoteEP);
        copy.AsSpan(0, count).CopyTo(buffer);
        return count;
    }

    public static int Send(Socket self, byte[] buffer) => Send(self, buffer, 0, buffer?.Length ?? 0, SocketFlags.None);

    public static int Send(Socket self, byte[] buffer, SocketFlags socketFlags) => Send(self, buffer, 0, buffer?.Length ?? 0, socketFlags);

    public static int Send(Socket self, byte[] buffer, int size, SocketFlags socketFlags) => Send(self, buffer, 0, size, socketFlags);

    public static int Send(Socket self, byte[] buffer, int offset, int size, SocketFlags socketFlags) =>
        !Sockets.CanPark(self) || !Streams.IsRange(buffer, offset, size)
            ? self.Send(buffer, offset, size, socketFlags)
            : Sockets.Send(self, buffer.AsMemory(offset, size), socketFlags);

    public static int Send(Socket self, byte[] buffer, int offset, int size, SocketFlags socketFlags, out SocketError errorCode) =>
        !Sockets.CanPark(self) || !Streams.IsRange(buffer, offset, size)
            ? self.Send(buffer, offset, size, socketFlags, out errorCode)
            : Sockets.WithCode(() => Sockets.Send(self, buffer.AsMemory(offset, size), socketFlags), out errorCode);

    public static int Send(Socket self, ReadOnlySpan<byte> buffer) => Send(self, buffer, SocketFlags.None);

    public static int Send(Socket self, ReadOnlySpan<byte> buffer, SocketFlags socketFlags) =>
        Sockets.CanPark(self) ? Sockets.Send(self, buffer.ToArray(), socketFlags) : self.Send(buffer, socketFlags);

    public static int Send(Socket self, ReadOnlySpan<byte> buffer, SocketFlags socketFlags, out SocketError errorCode)
    {
        if (!Sockets.CanPark(self))
        {
            return self.Send(buffer, socketFlags, out errorCode);
        }

        byte[] copy = buffer.ToArray();
        return Sockets.WithCode(() => Sockets.Send(self, copy, socketFlags), out errorCode);
    }

    public static int Send(Socket self, IList<ArraySegment<byte>> buffers) => Send(self, buffers, SocketFlags.None);

    public static int Send(Socket self, IList<ArraySegment<byte>> buffers, SocketFlags socketFlags) =>
        !Sockets.CanPark(self) || buffers is null
            ? self.Send(buffers!, socketFlags)
            : Sockets.Timed(self, _ => self.SendAsync(buffers, socketFlags), self.SendTimeout);

    public static int Send(Socket self, IList<ArraySegment<byte>> buffers, SocketFlags socketFlags, out SocketError errorCode) =>
        !Sockets.CanPark(self) || buffers is null
            ? self.Send(buffers!, socketFlags, out errorCode)
            : Sockets.WithCode(() => Send(self, buffers, socketFlags), out errorCode);

    public static int SendTo(Socket self, byte[] buffer, EndPoint remoteEP) => SendTo(self, buffer, 0, buffer?.Length ?? 0, SocketFlags.None, remoteEP);

    public static int SendTo(Socket self, byte[] buffer, SocketFlags socketFlags, EndPoint remoteEP) =>
        SendTo(self, buffer, 0, buffer?.Length ?? 0, socketFlags, remoteEP);

    public static int SendTo(Socket self, byte[] buffer, int size, SocketFlags socketFlags, EndPoint remoteEP) => SendTo(self, buffer, 0, size, socketFlags, remoteEP);

    public static int SendTo(Socket self, byte[] buffer, int offset, int size, SocketFlags socketFlags, EndPoint remoteEP) =>
        !Sockets.CanPark(self) || !Streams.IsRange(buffer, offset, size) || remoteEP is null
            ? self.SendTo(buffer, offset, size, socketFlags, remoteEP!)
            : Sockets.Timed(self, token => self.SendToAsync(buffer.AsMemory(offset, size), socketFlags, remoteEP, token).AsTask(), self.SendTimeout);

    public static int SendTo(Socket self, ReadOnlySpan<byte> buffer, EndPoint remoteEP) => SendTo(self, buffer, SocketFlags.None, remoteEP);

    public static int SendTo(Socket self, ReadOnlySpan<byte> buffer, SocketFlags socketFlags, EndPoint remoteEP) =>
        Sockets.CanPark(self) ? SendTo(self, buffer.ToArray(), socketFlags, remoteEP) : self.SendTo(buffer, socketFlags, remoteEP);

    public static void SendFile(Socket self, string? fileName)
    {
        if (!Sockets.CanPark(self))
        {
            self.SendFile(fileName);
            return;
        }

        Parking.Run(token => self.SendFileAsync(fileName, token).AsTask());
    }

    public static Socket Accept(Socket self) =>
        Sockets.CanPark(self) && !self.Poll(0, SelectMode.SelectRead)
            ? Parking.Run(token => self.AcceptAsync(token).AsTask(), whenGivenUp: static late => late.Dispose())
            : self.Accept();

    public static void Connect(Socket self, EndPoint remoteEP)
    {
        if (!Sockets.CanPark(self) || remoteEP is null)
        {
            self.Connect(remoteEP!);
            return;
        }

        Parking.Run(token => self.ConnectAsync(remoteEP, token).AsTask());
    }

    public static void Connect(Socket self, IPAddress address, int port)
    {
        if (!Sockets.CanPark(self) || address is null)
        {
            self.Connect(address!, port);
            return;
        }

        Parking.Run(token => self.ConnectAsync(address, port, token).AsTask());
    }

    public static void Connect(Socket self, IPAddress[] addresses, int port)
    {
        if (!Sockets.CanPark(self) || addresses is null)
        {
            self.Connect(addresses!, port);
            return;
        }

        Parking.Run(token => self.ConnectAsync(addresses, port, token).AsTask());
    }

    public static void Connect(Socket self, string host, int port)
    {
        if (!Sockets.CanPark(self) || host is null)
        {
            self.Connect(host!, port);
            return;
        }

        Parking.Run(token => self.ConnectAsync(host, port, token).AsTask());
    }

    public static void Disconnect(Socket self, bool reuseSocket)
    {
        if (!Sockets.CanPark(self))
        {
            self.Disconnect(reuseSocket);
            return;
        }

        Parking.Run(token => self.DisconnectAsync(reuseSocket, token).AsTask());
    }

    // The original takes -1 and any other negative number as no limit.
    public static bool Poll(Socket self, int microSeconds, SelectMode mode) =>
        Hub.IsInside ? self.Poll(0, mode) || Sockets.Poll(self, mode, Sockets.Time(microSeconds)) : self.Poll(microSeconds, mode);

    public static bool Poll(Socket self, TimeSpan timeout, SelectMode mode) =>
        Hub.IsInside && Parking.IsValid(timeout) ? self.Poll(0, mode) || Sockets.Poll(self, mode, timeout) : self.Poll(timeout, mode);

    public static void Select(IList? checkRead, IList? checkWrite, IList? checkError, int microSeconds)
    {
        if (Hub.IsInside)
        {
            Sockets.Select(checkRead, checkWrite, checkError, Sockets.Time(microSeconds));
        }
        else
        {
            Socket.Select(checkRead, checkWrite, checkError, microSeconds);
        }
    }

    public static void Select(IList? checkRead, IList? checkWrite, IList? checkError, TimeSpan timeout)
    {
        if (Hub.IsInside && Parking.IsValid(timeout))
        {
            Sockets.Select(checkRead, checkWrite, checkError, timeout);
        }
        else
        {
            Socket.Select(checkRead, checkWrite, checkError, timeout);
        }
    }
}
