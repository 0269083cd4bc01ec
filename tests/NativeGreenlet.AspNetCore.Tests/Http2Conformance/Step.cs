namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>What a client does in a case.</summary>
internal abstract record Step
{
    public static implicit operator Step(byte[] bytes) => new Send(bytes);

    /// <summary>Sends bytes.</summary>
    internal sealed record Send(byte[] Bytes) : Step;

    /// <summary>Sends bytes one by one.</summary>
    internal sealed record SendSingly(byte[] Bytes) : Step;

    /// <summary>Waits until the answer on a stream is whole.</summary>
    internal sealed record AwaitAnswer(uint Stream) : Step;

    /// <summary>Waits until so much of the body of an answer has come.</summary>
    internal sealed record AwaitBytes(uint Stream, int Count) : Step;

    /// <summary>Waits until the server has reset a stream.</summary>
    internal sealed record AwaitReset(uint Stream) : Step;

    /// <summary>Waits until the server has acknowledged so many SETTINGS, the first ones among them.</summary>
    internal sealed record AwaitSettings(int Count) : Step;

    /// <summary>Waits for so many answers to PINGs.</summary>
    internal sealed record AwaitPings(int Count) : Step;

    /// <summary>Sends no more from now on.</summary>
    internal sealed record EndSending : Step;
}
