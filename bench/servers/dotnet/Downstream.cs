namespace NativeGreenlet.Servers;

/// <summary>The service that every HTTP request calls: 16 bytes there, 16 bytes back after 10 ms.</summary>
internal static class Downstream
{
    public const int Bytes = 16;

    public static readonly byte[] Request = [.. "please answer..."u8];
}
