using System.Globalization;

namespace NativeGreenlet.Servers;

/// <summary>As much of HTTP/1.1 as a load tool speaks; the same for all servers.</summary>
internal static class Http
{
    public const int LargestHead = 8192;

    private static ReadOnlySpan<byte> EndOfHead => "\r\n\r\n"u8;

    private static ReadOnlySpan<byte> ResponseHead => "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: "u8;

    /// <summary>How long the first request in what was received is; 0 if it is not complete. Requests have no body.</summary>
    public static int RequestLength(ReadOnlySpan<byte> received)
    {
        int end = received.IndexOf(EndOfHead);
        if (end >= 0)
        {
            return received.StartsWith("GET "u8) ? end + EndOfHead.Length : throw new InvalidDataException("Only GET.");
        }

        return received.Length < LargestHead ? 0 : throw new InvalidDataException("Too long a head.");
    }

    /// <summary>Writes a response with that body. Returns its length.</summary>
    public static int WriteResponse(Span<byte> destination, ReadOnlySpan<byte> body)
    {
        ResponseHead.CopyTo(destination);
        int length = ResponseHead.Length;
        body.Length.TryFormat(destination[length..], out int digits, provider: CultureInfo.InvariantCulture);
        length += digits;
        EndOfHead.CopyTo(destination[length..]);
        length += EndOfHead.Length;
        body.CopyTo(destination[length..]);
        return length + body.Length;
    }
}
