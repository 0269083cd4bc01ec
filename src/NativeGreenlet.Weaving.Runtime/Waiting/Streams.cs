using System.IO.Pipes;
using System.Net.Sockets;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Cooperative.IO.Readiness;

namespace NativeGreenlet.Weaving.Waiting;

/// <summary>How streams are read and written inside a hub.</summary>
internal static class Streams
{
    /// <summary>Whether the caller is inside a hub and the stream may block it. Throws if the caller was killed while it waited for it.</summary>
    public static bool CanPark(Stream stream)
    {
        if (!Hub.IsInside || stream is null or MemoryStream or GreenStream || ParksByItself(stream.GetType()))
        {
            return false;
        }

        KilledWaits.ThrowAgain(stream);
        return true;
    }

    /// <summary>Whether a stream will take this part of an array.</summary>
    public static bool IsRange(byte[] buffer, int offset, int count) =>
        buffer is not null && offset >= 0 && count >= 0 && count <= buffer.Length - offset;

    /// <summary>Reads, for as long as the stream allows.</summary>
    public static int Read(Stream stream, Func<CancellationToken, Task<int>> operation)
    {
        try
        {
            return Parking.TryRun(operation, stream.CanTimeout ? stream.ReadTimeout : 0, out int count) ? count : throw TimedOut(stream, "read data from");
        }
        catch (Exception exception) when (KilledWaits.Note(stream, exception))
        {
            throw; // never
        }
    }

    /// <summary>Writes, for as long as the stream allows.</summary>
    public static void Write(Stream stream, Func<CancellationToken, Task> operation)
    {
        int milliseconds = stream.CanTimeout && stream.CanWrite ? stream.WriteTimeout : 0;
        try
        {
            if (milliseconds <= 0)
            {
                Parking.Run(operation);
            }
            else if (!Hub.Await(operation, Parking.Time(milliseconds)))
            {
                throw TimedOut(stream, "write data to");
            }
        }
        catch (Exception exception) when (KilledWaits.Note(stream, exception))
        {
            throw; // never
        }
    }

    private static IOException TimedOut(Stream stream, string what)
    {
        SocketException reason = Parking.TimedOut();
        return new IOException($"Unable to {what} the {(stream is NetworkStream or PipeStream ? "transport connection" : "stream")}: {reason.Message}.", reason);
    }

    /// <summary>Parks until reading from a connection would not wait.</summary>
    /// <returns>Whether it was waited for so; else by an asynchronous operation.</returns>
    /// <exception cref="IOException">The stream's time is up.</exception>
    public static bool HasData(Stream stream)
    {
        if (stream.GetType() != typeof(NetworkStream) || ((NetworkStream)stream).Socket is not { Blocking: true } socket)
        {
            return false;
        }

        try
        {
            int milliseconds = stream.ReadTimeout;
            return SharedSocket.WaitForData(socket, milliseconds <= 0 ? Timeout.InfiniteTimeSpan : Parking.Time(milliseconds)) switch
            {
                true => true,
                false => throw TimedOut(stream, "read data from"),
                null => false,
            };
        }
        catch (ObjectDisposedException)
        {
            return true; // the original says what it says then
        }
        catch (Exception exception) when (KilledWaits.Note(stream, exception))
        {
            throw; // never
        }
    }

    // A woven stream without asynchronous methods of its own is called as it is: what it calls parks.
    private static bool ParksByItself(Type type) => Woven.Is(type);
}
