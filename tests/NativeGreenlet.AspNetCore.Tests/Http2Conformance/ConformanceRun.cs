using System.Text;

namespace NativeGreenlet.AspNetCore.Tests.Http2Conformance;

/// <summary>Runs a case, and says in a few words what the server did.</summary>
internal static class ConformanceRun
{
    private const ulong LastPing = 0x6C617374;
    private const uint LaterStream = 1_000_001; // than those of all cases

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // for what must come
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2); // for a complaint
    private static readonly TimeSpan s_shortGrace = TimeSpan.FromMilliseconds(50); // for one that is not expected

    public static async Task<string> RunAsync(ConformanceCase subject, ConformanceServer server)
    {
        await using Http2Client client = await Http2Client.ConnectAsync(server);
        if (subject.Greets)
        {
            await client.GreetAsync();
        }

        foreach (Step step in subject.Steps)
        {
            if (await TakeAsync(client, step) is { } failure)
            {
                return failure;
            }
        }

        string outcome = subject.Answer.IsError ? await AwaitComplaintAsync(client, subject) : await AwaitAnswerAsync(client, subject.Answer);
        if (client.Failure is null && !client.IsClosed && subject.StillServes)
        {
            await client.SendAsync(Frame.Headers(LaterStream, new Requests(server.IsSecure).Get));
            Http2Stream? later = null;
            bool HasCome() => client.Streams.TryGetValue(LaterStream, out later) && (later.HasEnded || later.Reset is not null);
            await client.ReceiveUntilAsync(() => HasCome() || client.Failure is not null, s_patience);
            string? end = await CloseAsync(client) ?? (later?.Reset is not null ? "a reset" : later?.Status != 200 ? $"{later?.Status}" : null);
            outcome += end is null ? string.Empty : $", then {end}";
        }

        return outcome;
    }

    private static async Task<string?> TakeAsync(Http2Client client, Step step)
    {
        Func<bool>? isDone = null;
        switch (step)
        {
            case Step.Send send:
                await client.SendAsync(send.Bytes);
                break;

            case Step.SendSingly send:
                for (int i = 0; i < send.Bytes.Length; i++)
                {
                    await client.SendAsync(send.Bytes.AsMemory(i, 1));
                }

                break;

            case Step.EndSending:
                client.EndSending();
                break;

            case Step.AwaitAnswer wait:
                isDone = () => client.Streams.TryGetValue(wait.Stream, out Http2Stream? stream) && stream.HasEnded;
                break;

            case Step.AwaitBytes wait:
                isDone = () => client.Streams.TryGetValue(wait.Stream, out Http2Stream? stream) && stream.Body.Count >= wait.Count;
                break;

            case Step.AwaitReset wait:
                isDone = () => client.Streams.TryGetValue(wait.Stream, out Http2Stream? stream) && stream.Reset is not null;
                break;

            case Step.AwaitSettings wait:
                isDone = () => client.SettingsAcks >= wait.Count;
                break;

            case Step.AwaitPings wait:
                isDone = () => client.Pings.Count >= wait.Count;
                break;

            default:
                throw new NotSupportedException(step.ToString());
        }

        if (isDone is null || await client.ReceiveUntilAsync(() => isDone() || client.Failure is not null, s_patience) && isDone())
        {
            return null;
        }

        return $"{await CloseAsync(client)} instead of {step}";
    }

    // The PING comes only if nothing else does: within a header block it would be wrong itself.
    private static async Task<string> AwaitComplaintAsync(Http2Client client, ConformanceCase subject)
    {
        bool HasComplained() => client.Failure is not null || client.IsClosed || (client.FirstReset != 0 && client.FirstReset == subject.Answer.Stream)
            || (client.Streams.TryGetValue(subject.Answer.Stream, out Http2Stream? stream) && stream.HasEnded && stream.Status >= 400);
        TimeSpan grace = subject.IsDeviating ? s_shortGrace : s_grace;
        if (!await client.ReceiveUntilAsync(HasComplained, grace) && !client.IsClosed)
        {
            await client.SendAsync(Frame.Ping(LastPing));
            await client.ReceiveUntilAsync(() => HasComplained() || client.Pings.Contains(LastPing), s_patience);
            await client.ReceiveUntilAsync(HasComplained, s_shortGrace);
        }

        return await CloseAsync(client) ?? Outcome(client, subject.Answer);
    }

    private static async Task<string> AwaitAnswerAsync(Http2Client client, Answer answer)
    {
        bool HasCome() => answer.Stream == 0
            || (client.Streams.TryGetValue(answer.Stream, out Http2Stream? stream) && (stream.Reset is not null || stream.HasEnded || (answer.Bytes is { } count && stream.Body.Count >= count)));
        await client.ReceiveUntilAsync(() => HasCome() || client.Failure is not null, s_patience);
        await client.SendAsync(Frame.Ping(LastPing));
        await client.ReceiveUntilAsync(() => client.Pings.Contains(LastPing) || client.Failure is not null, s_patience);
        return await CloseAsync(client) ?? Outcome(client, answer);
    }

    private static string Outcome(Http2Client client, Answer answer)
    {
        if (client.FirstReset != 0)
        {
            return Answer.Reset(client.FirstReset, client.Streams[client.FirstReset].Reset!.Value);
        }

        Http2Stream? stream = client.Streams.GetValueOrDefault(answer.Stream);
        if (stream is { HasEnded: true })
        {
            string text = Encoding.UTF8.GetString([.. stream.Body]);
            int end = text.IndexOf('\n', StringComparison.Ordinal);
            string line = end < 0 || text[(end + 1)..] == ConformanceServer.Filling ? text[..Math.Max(end, 0)] : "damaged";
            return Answer.Responded(answer.Stream, line, stream.Status!.Value);
        }

        if (answer.Bytes is not null)
        {
            return Answer.Parted(answer.Stream, stream?.Body.Count ?? 0);
        }

        return client.Pings.Contains(LastPing) ? Answer.Nothing : "silent";
    }

    // What ends the connection, if something does: then it must be closed, too.
    private static async Task<string?> CloseAsync(Http2Client client)
    {
        if (client.Failure is { } code)
        {
            await client.ReceiveUntilAsync(() => client.IsClosed, s_patience);
            return client.IsClosed ? Answer.GoAway(code) : $"GOAWAY {code}, open";
        }

        return !client.IsClosed ? null : client.IsForeign ? Answer.Foreign : Answer.Closed;
    }
}
