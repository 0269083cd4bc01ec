namespace NativeGreenlet.Servers;

/// <summary>What a server does with a connection, as plain blocking code: the same on greenlets and on threads.</summary>
internal static class BlockingHandlers
{
    public static void Echo(Stream stream)
    {
        byte[] buffer = new byte[4096];
        int count;
        while ((count = stream.Read(buffer)) != 0)
        {
            stream.Write(buffer.AsSpan(0, count));
        }
    }

    /// <summary>Answers each request with what the downstream service says.</summary>
    public static void Serve(Stream stream, ConnectionPool<Stream> pool, Func<Stream> connect)
    {
        byte[] received = new byte[Http.LargestHead];
        byte[] response = new byte[512];
        byte[] answer = new byte[Downstream.Bytes];
        int count = 0;
        while (true)
        {
            int length;
            while ((length = Http.RequestLength(received.AsSpan(0, count))) == 0)
            {
                int more = stream.Read(received.AsSpan(count));
                if (more == 0)
                {
                    return;
                }

                count += more;
            }

            Stream downstream = pool.TryTake() ?? connect();
            downstream.Write(Downstream.Request);
            downstream.ReadExactly(answer);
            pool.Return(downstream);

            stream.Write(response.AsSpan(0, Http.WriteResponse(response, answer)));
            count -= length;
            received.AsSpan(length, count).CopyTo(received);
        }
    }
}
