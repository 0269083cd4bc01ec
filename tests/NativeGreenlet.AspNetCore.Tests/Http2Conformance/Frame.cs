using System.Buffers.Binary;

namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>A frame (RFC 9113, 4.1), and the bytes of those that a client sends, also of wrong ones.</summary>
internal sealed record Frame(FrameType Type, FrameFlags Flags, uint Stream, byte[] Payload)
{
    public const int HeaderSize = 9;

    /// <summary>The bytes of any frame.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="flags">Its flags.</param>
    /// <param name="stream">The identifier of its stream; with the reserved bit, if that is set.</param>
    /// <param name="payload">What comes after its header.</param>
    /// <param name="length">The length in its header; null for that of the payload.</param>
    public static byte[] Of(FrameType type, FrameFlags flags, uint stream, ReadOnlySpan<byte> payload, int? length = null)
    {
        byte[] bytes = new byte[HeaderSize + payload.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, ((uint)(length ?? payload.Length) << 8) | (byte)type);
        bytes[4] = (byte)flags;
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(5), stream);
        payload.CopyTo(bytes.AsSpan(HeaderSize));
        return bytes;
    }

    public static byte[] Data(uint stream, ReadOnlySpan<byte> bytes, FrameFlags flags = FrameFlags.None) => Of(FrameType.Data, flags, stream, bytes);

    public static byte[] Headers(uint stream, ReadOnlySpan<byte> block, FrameFlags flags = FrameFlags.EndHeaders | FrameFlags.EndStream) =>
        Of(FrameType.Headers, flags, stream, block);

    public static byte[] Continuation(uint stream, ReadOnlySpan<byte> block, FrameFlags flags = FrameFlags.EndHeaders) =>
        Of(FrameType.Continuation, flags, stream, block);

    public static byte[] Priority(uint stream, uint dependency, byte weight = 15) => Of(FrameType.Priority, FrameFlags.None, stream, [.. Number(dependency), weight]);

    public static byte[] RstStream(uint stream, ErrorCode code = ErrorCode.Cancel) => Of(FrameType.RstStream, FrameFlags.None, stream, Number((uint)code));

    public static byte[] Settings(params (Setting Name, uint Value)[] settings)
    {
        byte[] payload = new byte[settings.Length * 6];
        for (int i = 0; i < settings.Length; i++)
        {
            BinaryPrimitives.WriteUInt16BigEndian(payload.AsSpan(i * 6), (ushort)settings[i].Name);
            BinaryPrimitives.WriteUInt32BigEndian(payload.AsSpan((i * 6) + 2), settings[i].Value);
        }

        return Of(FrameType.Settings, FrameFlags.None, 0, payload);
    }

    public static byte[] SettingsAck() => Of(FrameType.Settings, FrameFlags.Ack, 0, []);

    public static byte[] Ping(ulong value, FrameFlags flags = FrameFlags.None)
    {
        byte[] payload = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(payload, value);
        return Of(FrameType.Ping, flags, 0, payload);
    }

    public static byte[] GoAway(uint lastStream, ErrorCode code, params ReadOnlySpan<byte> more) =>
        Of(FrameType.GoAway, FrameFlags.None, 0, [.. Number(lastStream), .. Number((uint)code), .. more]);

    public static byte[] WindowUpdate(uint stream, uint increment) => Of(FrameType.WindowUpdate, FrameFlags.None, stream, Number(increment));

    /// <summary>Four bytes.</summary>
    public static byte[] Number(uint value)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        return bytes;
    }
}
