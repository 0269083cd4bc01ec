namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>Header blocks of requests that are as they should be.</summary>
internal sealed class Requests(bool isSecure)
{
    public string Scheme => isSecure ? "https" : "http";

    public byte[] Get => Block("GET", "/");

    public byte[] Post => Block("POST", "/");

    public byte[] Block(string method, string path, params ReadOnlySpan<(string Name, string Value)> more) =>
        HeaderBlock.Of([(":method", method), (":scheme", Scheme), (":path", path), (":authority", "localhost"), .. more]);
}
