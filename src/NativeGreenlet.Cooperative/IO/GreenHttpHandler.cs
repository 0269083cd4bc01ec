namespace NativeGreenlet.Cooperative;

/// <summary>For an <see cref="HttpClient"/> whose synchronous <see cref="HttpClient.Send(HttpRequestMessage)"/> parks the
/// task instead of blocking the thread. The body is in memory when it returns, unless only the headers were asked
/// for: then it is read through a <see cref="GreenStream"/> by whoever wraps its stream in one.</summary>
/// <example><code>
/// using HttpClient client = new(new GreenHttpHandler());
/// using HttpResponseMessage reply = client.Send(new HttpRequestMessage(HttpMethod.Get, address));
/// </code></example>
public sealed class GreenHttpHandler : DelegatingHandler
{
    /// <summary>Sends through a <see cref="SocketsHttpHandler"/> of its own.</summary>
    public GreenHttpHandler()
        : base(new SocketsHttpHandler())
    {
    }

    /// <summary>Sends through another handler.</summary>
    /// <param name="inner">The handler; its asynchronous method is used.</param>
    public GreenHttpHandler(HttpMessageHandler inner)
        : base(inner)
    {
    }

    /// <summary>Sends the request and parks until the answer, with its body, is there.</summary>
    /// <param name="request">The request.</param>
    /// <param name="cancellationToken">Cancels it. So does a kill or a timeout of the task.</param>
    /// <exception cref="MissingHubException">The caller is not inside a hub.</exception>
    protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        Hub.EnterWait();
        using CancellationTokenSource cancellation = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task<HttpResponseMessage> sending = SendAllAsync(request, cancellation.Token);
        bool isDone = false;
        try
        {
            Hub.Await(sending);
            isDone = true;
        }
        finally
        {
            if (!isDone && !sending.IsCompleted)
            {
                cancellation.Cancel();
            }
        }

        return sending.Result;
    }

    // With the body: HttpClient would read it by a synchronous call, which would block.
    private async Task<HttpResponseMessage> SendAllAsync(HttpRequestMessage request, CancellationToken cancellation)
    {
        HttpResponseMessage response = await SendAsync(request, cancellation).ConfigureAwait(false);
        bool isRead = false;
        try
        {
            await response.Content.LoadIntoBufferAsync(cancellation).ConfigureAwait(false);
            isRead = true;
            return response;
        }
        finally
        {
            if (!isRead)
            {
                response.Dispose();
            }
        }
    }
}
