using System.Diagnostics;
using NativeGreenlet.Cooperative;
using NativeGreenlet.Weaving.Waiting;

namespace NativeGreenlet.Weaving.Twins;

/// <summary>Stands in for the blocking methods of <see cref="TextReader"/>, a <see cref="StreamReader"/> and the output of a process among them in woven code: outside a hub they do the same, inside one they park the
/// task.</summary>
/// <remarks>The documentation of a method is that of its original.</remarks>
[GreenletTwin(typeof(TextReader))]
[StackTraceHidden]
public static class TextReaderTwin
{
    public static string? ReadLine(TextReader self) => CanPark(self) ? Parking.Run(token => self.ReadLineAsync(token).AsTask()) : self.ReadLine();

    public static string ReadToEnd(TextReader self) => CanPark(self) ? Parking.Run(self.ReadToEndAsync) : self.ReadToEnd();

    public static int Read(TextReader self)
    {
        char[] one = new char[1];
        return !CanPark(self) ? self.Read() : Read(self, one, 0, 1) == 0 ? -1 : one[0];
    }

    public static int Read(TextReader self, Span<char> buffer)
    {
        if (!CanPark(self))
        {
            return self.Read(buffer);
        }

        char[] copy = new char[buffer.Length];
        int count = Read(self, copy, 0, copy.Length);
        copy.AsSpan(0, count).CopyTo(buffer);
        return count;
    }

    public static int ReadBlock(TextReader self, Span<char> buffer)
    {
        if (!CanPark(self))
        {
            return self.ReadBlock(buffer);
        }

        char[] copy = new char[buffer.Length];
        int count = ReadBlock(self, copy, 0, copy.Length);
        copy.AsSpan(0, count).CopyTo(buffer);
        return count;
    }

    public static int Read(TextReader self, char[] buffer, int index, int count) =>
        CanPark(self) && buffer is not null && index >= 0 && count >= 0 && count <= buffer.Length - index
            ? Parking.Run(token => self.ReadAsync(buffer.AsMemory(index, count), token).AsTask())
            : self.Read(buffer!, index, count);

    public static int ReadBlock(TextReader self, char[] buffer, int index, int count) =>
        CanPark(self) && buffer is not null && index >= 0 && count >= 0 && count <= buffer.Length - index
            ? Parking.Run(token => self.ReadBlockAsync(buffer.AsMemory(index, count), token).AsTask())
            : self.ReadBlock(buffer!, index, count);

    // Others may be a program's own, whose asynchronous methods call the synchronous ones.
    private static bool CanPark(TextReader reader) => reader is StreamReader && Hub.IsInside;
}
