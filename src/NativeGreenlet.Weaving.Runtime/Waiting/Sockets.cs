using System.Collections;
using System.Net.Sockets;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Cooperative.IO.Readiness;

namespace NativeGreenlet.Weaving.Waiting;

/// <summary>How sockets are used inside a hub.</summary>
internal static class Sockets
{
    /// <summary>Whether the caller is inside a hub and the socket may block it. Throws if the caller was killed while it waited for it.</summary>
    public static bool CanPark(Socket socket)
    {
        if (!Hub.IsInside || socket is not { Blocking: true })
        {
            return false;
        }

        KilledWaits.ThrowAgain(socket);
        return true;
    }

    /// <summary>Parks until receiving would not wait, for data, the end or an error: then the original does it at once. False if that has to be
    /// waited for by an asynchronous operation.</summary>
    public static bool HasData(Socket socket)
    {
        if (socket.Poll(0, SelectMode.SelectRead))
        {
            return true;
        }

        try
        {
            return socket is { ReceiveTimeout: <= 0, Connected: true } && SharedSocket.WaitForData(socket, Timeout.InfiniteTimeSpan) == true;
        }
        catch (ObjectDisposedException)
        {
            return true; // the original says what it says then
        }
        catch (Exception exception) when (KilledWaits.Note(socket, exception))
        {
            throw; // never
        }
    }

    public static TimeSpan Time(int microseconds) => microseconds < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromMicroseconds(microseconds);

    public static int Receive(Socket socket, Memory<byte> buffer, SocketFlags flags) =>
        Timed(socket, token => socket.ReceiveAsync(buffer, flags, token).AsTask(), socket.ReceiveTimeout);

    /// <summary>Sends all, as the synchronous call of a blocking socket does.</summary>
    public static int Send(Socket socket, ReadOnlyMemory<byte> buffer, SocketFlags flags) => Timed(socket, token => SendAsync(socket, buffer, flags, token), socket.SendTimeout);

    /// <summary>Parks until an operation of a socket has ended, for as long as the socket allows.</summary>
    public static T Timed<T>(Socket socket, Func<CancellationToken, Task<T>> operation, int milliseconds)
    {
        try
        {
            return Parking.TryRun(operation, milliseconds, out T? result) ? result : throw Parking.TimedOut();
        }
        catch (Exception exception) when (KilledWaits.Note(socket, exception))
        {
            throw; // never
        }
    }

    public static int WithCode(Func<int> call, out SocketError code)
    {
        try
        {
            int count = call();
            code = SocketError.Success;
            return count;
        }
        catch (SocketException exception)
        {
            code = exception.SocketErrorCode;
            return 0;
        }
    }

    public static bool Poll(Socket socket, SelectMode mode, TimeSpan timeout) => Parking.Until(() => socket.Poll(0, mode), timeout);

    /// <summary>Asks again and again; the lists keep what is ready.</summary>
    public static void Select(IList? read, IList? write, IList? error, TimeSpan timeout)
    {
        object?[]? reads = Copy(read);
        object?[]? writes = Copy(write);
        object?[]? errors = Copy(error);
        Parking.Until(
            () =>
            {
                Restore(read, reads);
                Restore(write, writes);
                Restore(error, errors);
                Socket.Select(read, write, error, 0);
                return (read?.Count ?? 0) + (write?.Count ?? 0) + (error?.Count ?? 0) != 0;
            },
            timeout);
    }

    private static async Task<int> SendAsync(Socket socket, ReadOnlyMemory<byte> buffer, SocketFlags flags, CancellationToken cancellationToken)
    {
        int sent = 0;
        do
        {
            sent += await socket.SendAsync(buffer[sent..], flags, cancellationToken).ConfigureAwait(false);
        }
        while (sent < buffer.Length && socket.SocketType == SocketType.Stream);
        return sent;
    }

    private static object?[]? Copy(IList? list)
    {
        if (list is null)
        {
            return null;
        }

        object?[] copy = new object?[list.Count];
        list.CopyTo(copy, 0);
        return copy;
    }

    private static void Restore(IList? list, object?[]? copy)
    {
        if (list is not null && list.Count != copy!.Length)
        {
            list.Clear();
            Array.ForEach(copy, item => list.Add(item));
        }
    }
}
