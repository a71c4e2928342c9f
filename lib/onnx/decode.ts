import { createRequire } from 'node:module';
import { onnx } from 'onnx-proto';
import type { Reader } from 'protobufjs';
import { toNumber } from './proto';

/** What protobufjs declares as Long, from a package that need not be installed. */
type Int64 = ReturnType<Reader['int64']>;

/** protobufjs as onnx-proto sees it: its classes refuse the readers of another copy, and there may be two. */
const protobuf = createRequire(require.resolve('onnx-proto'))('protobufjs/minimal') as {
  Reader: { new (bytes: Uint8Array): Reader; prototype: Reader };
};

/**
 * A reader that gives 64-bit integers as numbers wherever a number holds them. protobufjs makes an object of each,
 * 50 bytes for every byte of a packed list, which is gigabytes for a damaged or hostile file of a hundred megabytes.
 */
class ModelReader extends protobuf.Reader {
  override int64(): Int64 {
    return this.#small() ?? compact(super.int64());
  }

  override uint64(): Int64 {
    return this.#small() ?? compact(super.uint64());
  }

  /** The next integer where it takes one byte, as most do. */
  #small(): Int64 | undefined {
    const byte = this.buf[this.pos]!;
    if (!(byte < 128)) return undefined;
    this.pos += 1;
    return byte as unknown as Int64;
  }
}

function compact(exact: Int64): Int64 {
  const number = toNumber(exact);
  return Number.isSafeInteger(number) ? (number as unknown as Int64) : exact;
}

/**
 * Decodes a serialized model. Byte fields become views into `bytes`. Throws plain errors of protobufjs, and takes a few
 * kinds of damage for data: what comes out has to be checked.
 */
export function decodeModel(bytes: Uint8Array): onnx.IModelProto {
  // Not a Buffer: for those protobufjs 6 takes a string that the end of the file cuts off.
  return onnx.ModelProto.decode(
    new ModelReader(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)),
  );
}
