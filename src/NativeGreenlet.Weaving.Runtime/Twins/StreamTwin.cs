using System.Buffers;
using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="Stream"/> and of every stream in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(Stream))]
[StackTraceHidden]
public static class StreamTwin
{
    public static int Read(Stream self, byte[] buffer, int offset, int count) =>
        !Streams.CanPark(self) || !Streams.IsRange(buffer, offset, count) || Streams.HasData(self)
            ? self.Read(buffer, offset, count)
            : ReadAsynchronously(self, buffer, offset, count);

    public static int Read(Stream self, Span<byte> buffer)
    {
        if (!Streams.CanPark(self) || Streams.HasData(self))
        {
            return self.Read(buffer);
        }

        byte[] copy = ArrayPool<byte>.Shared.Rent(buffer.Length);
        int count = ReadAsynchronously(self, copy, 0, buffer.Length);
        copy.AsSpan(0, count).CopyTo(buffer);
        ArrayPool<byte>.Shared.Return(copy); // not if it failed: it may be in use
        return count;
    }

    public static int ReadByte(Stream self)
    {
        if (!Streams.CanPark(self) || Streams.HasData(self))
        {
            return self.ReadByte();
        }

        byte[] one = new byte[1];
        return ReadAsynchronously(self, one, 0, 1) == 0 ? -1 : one[0];
    }

    public static int ReadAtLeast(Stream self, Span<byte> buffer, int minimumBytes, bool throwOnEndOfStream)
    {
        if (!Streams.CanPark(self) || minimumBytes < 0 || minimumBytes > buffer.Length)
        {
            return self.ReadAtLeast(buffer, minimumBytes, throwOnEndOfStream);
        }

        int total = 0;
        while (total < minimumBytes)
        {
            int count = Read(self, buffer[total..]);
            if (count == 0)
            {
                return throwOnEndOfStream ? throw new EndOfStreamException() : total;
            }

            total += count;
        }

        return total;
    }

    public static void ReadExactly(Stream self, Span<byte> buffer)
    {
        if (Streams.CanPark(self))
        {
            ReadAtLeast(self, buffer, buffer.Length, throwOnEndOfStream: true);
        }
        else
        {
            self.ReadExactly(buffer);
        }
    }

    public static void ReadExactly(Stream self, byte[] buffer, int offset, int count)
    {
        if (Streams.CanPark(self) && Streams.IsRange(buffer, offset, count))
        {
            ReadAtLeast(self, buffer.AsSpan(offset, count), count, throwOnEndOfStream: true);
        }
        else
        {
            self.ReadExactly(buffer, offset, count);
        }
    }

    public static void Write(Stream self, byte[] buffer, int offset, int count)
    {
        if (!Streams.CanPark(self) || !Streams.IsRange(buffer, offset, count))
        {
            self.Write(buffer, offset, count);
            return;
        }

        Streams.Write(self, token => self.WriteAsync(buffer, offset, count, token));
    }

    public static void Write(Stream self, ReadOnlySpan<byte> buffer)
    {
        if (!Streams.CanPark(self))
        {
            self.Write(buffer);
            return;
        }

        byte[] copy = ArrayPool<byte>.Shared.Rent(buffer.Length);
        int length = buffer.Length;
        buffer.CopyTo(copy);
        Streams.Write(self, token => self.WriteAsync(copy.AsMemory(0, length), token).AsTask());
        ArrayPool<byte>.Shared.Return(copy);
    }

    public static void WriteByte(Stream self, byte value)
    {
        if (Streams.CanPark(self))
        {
            Write(self, [value]);
        }
        else
        {
            self.WriteByte(value);
        }
    }

    public static void Flush(Stream self)
    {
        if (!Streams.CanPark(self))
        {
            self.Flush();
            return;
        }

        Streams.Write(self, self.FlushAsync);
    }

    public static void CopyTo(Stream self, Stream destination) => CopyTo(self, destination, 81920);

    public static void CopyTo(Stream self, Stream destination, int bufferSize)
    {
        if (!Hub.IsInside || destination is null || bufferSize <= 0 || !(Streams.CanPark(self) || Streams.CanPark(destination)))
        {
            self.CopyTo(destination!, bufferSize);
            return;
        }

        byte[] buffer = new byte[bufferSize];
        for (int count; (count = Read(self, buffer, 0, bufferSize)) != 0;)
        {
            Write(destination, buffer, 0, count);
        }
    }

    // Apart: it has a closure, which the others shall not pay for.
    private static int ReadAsynchronously(Stream stream, byte[] buffer, int offset, int count) =>
        Streams.Read(stream, token => stream.ReadAsync(buffer.AsMemory(offset, count), token).AsTask());
}
