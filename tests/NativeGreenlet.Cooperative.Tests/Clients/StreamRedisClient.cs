using System.Text;
using FreeRedis;
using FreeRedis.Internal;

namespace NativeGreenlet.Cooperative.Tests.Clients;

/// <summary>FreeRedis, with all its synchronous commands, over any stream: one command after the other on one
/// connection. The library is as it comes; this is its own place for another way to reach a server.</summary>
internal sealed class StreamRedisClient(Stream stream) : RedisClient(new StreamAdapter(stream))
{
    private sealed class StreamAdapter : BaseAdapter
    {
        private readonly Stream _stream;
        private readonly RespHelper.Resp3Writer _writer;
        private readonly RespHelper.Resp3Reader _reader;

        public StreamAdapter(Stream stream)
        {
            UseType = UseType.SingleInside;
            _stream = stream;
            _writer = new RespHelper.Resp3Writer(stream, Encoding.UTF8, RedisProtocol.RESP2);
            _reader = new RespHelper.Resp3Reader(stream);
        }

        public override TValue AdapterCall<TValue>(CommandPacket cmd, Func<RedisResult, TValue> parse)
        {
            _writer.WriteCommand(cmd);
            return parse(_reader.ReadObject(Encoding.UTF8));
        }

        public override Task<TValue> AdapterCallAsync<TValue>(CommandPacket cmd, Func<RedisResult, TValue> parse) => throw new NotSupportedException();

        public override IRedisSocket GetRedisSocket(CommandPacket cmd) => throw new NotSupportedException();

        public override void Refersh(IRedisSocket redisSocket)
        {
        }

        public override void Dispose() => _stream.Dispose();
    }
}
