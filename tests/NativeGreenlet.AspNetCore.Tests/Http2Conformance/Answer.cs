namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>What a server may do in a case, by the words of <see cref="ConformanceRun"/>.</summary>
/// <param name="Accepted">Any of them.</param>
/// <param name="Stream">The stream that is looked at; 0 for none.</param>
/// <param name="Bytes">How much of a body is to come; null for all.</param>
/// <param name="IsError">Whether the server is to complain.</param>
internal sealed record Answer(string[] Accepted, uint Stream = 0, int? Bytes = null, bool IsError = false)
{
    public const string Closed = "closed";
    public const string Foreign = "no frame, closed";
    public const string Nothing = "ignored";

    /// <summary>The server goes on as if nothing had come; a PING is answered.</summary>
    public static Answer Ignored { get; } = new([Nothing]);

    /// <summary>The connection ends; with a GOAWAY, or without, which is not forbidden (RFC 9113, 5.4.1).</summary>
    public static Answer ConnectionError(params ErrorCode[] codes) => new([.. codes.Select(GoAway), Closed], IsError: true);

    /// <summary>The stream ends, or the connection, for a server may take the one for the other (RFC 9113, 5.4).</summary>
    public static Answer StreamError(uint stream, params ErrorCode[] codes) =>
        new([.. codes.Select(code => Reset(stream, code)), .. codes.Select(GoAway), Closed], stream, IsError: true);

    /// <summary>An answer comes, whose body begins with a line.</summary>
    public static Answer Response(uint stream, string line = "0 read", int status = 200) => new([Responded(stream, line, status)], stream);

    /// <summary>So much of the body of an answer comes, and no more.</summary>
    public static Answer Part(uint stream, int count) => new([Parted(stream, count)], stream, count);

    /// <summary>This, or something else, too.</summary>
    public Answer Or(params string[] more) => this with { Accepted = [.. Accepted, .. more] };

    public static string GoAway(ErrorCode code) => $"GOAWAY {code}, closed";

    public static string Reset(uint stream, ErrorCode code) => $"RST_STREAM {stream} {code}";

    public static string Responded(uint stream, string line, int status) => $"{status} on {stream}: {line}";

    public static string Parted(uint stream, int count) => $"{count} bytes on {stream}";
}
