// Generated from schema.fbs by scripts/generate-tflite.ts; do not edit.
import type {
  ActivationFunctionType,
  BuiltinOperator,
  CombinerType,
  CustomOptionsFormat,
  DimensionType,
  FullyConnectedOptionsWeightsFormat,
  LSHProjectionType,
  LSTMKernelType,
  MirrorPadMode,
  Padding,
  ReduceWindowFunction,
  RngAlgorithm,
  StablehloComparisonDirection,
  StablehloComparisonType,
  StablehloPrecisionConfig,
  TensorType,
} from "./enums.ts";

export type ATan2Options = Readonly<Record<never, never>>;

export type AbsOptions = Readonly<Record<never, never>>;

export type AddNOptions = Readonly<Record<never, never>>;

export interface AddOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly potScaleInt16: boolean;
}

export interface ArgMaxOptions {
  readonly outputType: TensorType;
}

export interface ArgMinOptions {
  readonly outputType: TensorType;
}

export type AssignVariableOptions = Readonly<Record<never, never>>;

export interface BatchMatMulOptions {
  readonly adjX: boolean;
  readonly adjY: boolean;
  readonly asymmetricQuantizeInputs: boolean;
}

export type BatchToSpaceNDOptions = Readonly<Record<never, never>>;

export interface BidirectionalSequenceLSTMOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly cellClip: number;
  readonly projClip: number;
  readonly mergeOutputs: boolean;
  readonly timeMajor: boolean;
  readonly asymmetricQuantizeInputs: boolean;
}

export interface BidirectionalSequenceRNNOptions {
  readonly timeMajor: boolean;
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly mergeOutputs: boolean;
  readonly asymmetricQuantizeInputs: boolean;
}

export type BitcastOptions = Readonly<Record<never, never>>;

export type BitwiseXorOptions = Readonly<Record<never, never>>;

export interface BlockwiseQuantization {
  readonly scales: number;
  readonly zeroPoints: number;
  readonly blockSize: number;
}

export type BroadcastToOptions = Readonly<Record<never, never>>;

export interface BucketizeOptions {
  readonly boundaries?: readonly number[];
}

export interface Buffer {
  readonly data?: Uint8Array;
  readonly offset: bigint;
  readonly size: bigint;
}

export interface CallOnceOptions {
  readonly initSubgraphIndex: number;
}

export interface CallOptions {
  readonly subgraph: number;
}

export interface CastOptions {
  readonly inDataType: TensorType;
  readonly outDataType: TensorType;
}

export interface ConcatEmbeddingsOptions {
  readonly numChannels: number;
  readonly numColumnsPerChannel?: readonly number[];
  readonly embeddingDimPerChannel?: readonly number[];
}

export interface ConcatenationOptions {
  readonly axis: number;
  readonly fusedActivationFunction: ActivationFunctionType;
}

export interface Conv2DOptions {
  readonly padding: Padding;
  readonly strideW: number;
  readonly strideH: number;
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly dilationWFactor: number;
  readonly dilationHFactor: number;
  readonly quantizedBiasType: TensorType;
}

export interface Conv3DOptions {
  readonly padding: Padding;
  readonly strideD: number;
  readonly strideW: number;
  readonly strideH: number;
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly dilationDFactor: number;
  readonly dilationWFactor: number;
  readonly dilationHFactor: number;
}

export type CosOptions = Readonly<Record<never, never>>;

export interface CumsumOptions {
  readonly exclusive: boolean;
  readonly reverse: boolean;
}

export interface CustomQuantization {
  readonly custom?: Uint8Array;
}

export type DensifyOptions = Readonly<Record<never, never>>;

export interface DepthToSpaceOptions {
  readonly blockSize: number;
}

export interface DepthwiseConv2DOptions {
  readonly padding: Padding;
  readonly strideW: number;
  readonly strideH: number;
  readonly depthMultiplier: number;
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly dilationWFactor: number;
  readonly dilationHFactor: number;
}

export type DequantizeOptions = Readonly<Record<never, never>>;

export type DilateOptions = Readonly<Record<never, never>>;

export interface DimensionMetadata {
  readonly format: DimensionType;
  readonly denseSize: number;
  readonly arraySegments?: SparseIndexVector;
  readonly arrayIndices?: SparseIndexVector;
}

export interface DivOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
}

export type DynamicUpdateSliceOptions = Readonly<Record<never, never>>;

export interface EmbeddingLookupSparseOptions {
  readonly combiner: CombinerType;
}

export type EqualOptions = Readonly<Record<never, never>>;

export type ExpOptions = Readonly<Record<never, never>>;

export type ExpandDimsOptions = Readonly<Record<never, never>>;

export interface ExternalBuffer {
  readonly id: number;
  readonly group: number;
  readonly offset: bigint;
  readonly length: bigint;
  readonly packing?: string;
}

export interface ExternalBufferGroup {
  readonly name?: string;
}

export interface FakeQuantOptions {
  readonly min: number;
  readonly max: number;
  readonly numBits: number;
  readonly narrowRange: boolean;
}

export type FillOptions = Readonly<Record<never, never>>;

export type FloorDivOptions = Readonly<Record<never, never>>;

export type FloorModOptions = Readonly<Record<never, never>>;

export interface FullyConnectedOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly weightsFormat: FullyConnectedOptionsWeightsFormat;
  readonly keepNumDims: boolean;
  readonly asymmetricQuantizeInputs: boolean;
  readonly quantizedBiasType: TensorType;
}

export type GatherNdOptions = Readonly<Record<never, never>>;

export interface GatherOptions {
  readonly axis: number;
  readonly batchDims: number;
}

export interface GeluOptions {
  readonly approximate: boolean;
}

export type GreaterEqualOptions = Readonly<Record<never, never>>;

export type GreaterOptions = Readonly<Record<never, never>>;

export type HardSwishOptions = Readonly<Record<never, never>>;

export type HashtableFindOptions = Readonly<Record<never, never>>;

export type HashtableImportOptions = Readonly<Record<never, never>>;

export interface HashtableOptions {
  readonly tableId: number;
  readonly keyDtype: TensorType;
  readonly valueDtype: TensorType;
}

export type HashtableSizeOptions = Readonly<Record<never, never>>;

export interface IfOptions {
  readonly thenSubgraphIndex: number;
  readonly elseSubgraphIndex: number;
}

export interface Int32Vector {
  readonly values?: readonly number[];
}

export interface L2NormOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
}

export interface LSHProjectionOptions {
  readonly kind: LSHProjectionType;
}

export interface LSTMOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly cellClip: number;
  readonly projClip: number;
  readonly kernelType: LSTMKernelType;
  readonly asymmetricQuantizeInputs: boolean;
}

export interface LeakyReluOptions {
  readonly alpha: number;
}

export type LessEqualOptions = Readonly<Record<never, never>>;

export type LessOptions = Readonly<Record<never, never>>;

export interface LocalResponseNormalizationOptions {
  readonly radius: number;
  readonly bias: number;
  readonly alpha: number;
  readonly beta: number;
}

export type LogSoftmaxOptions = Readonly<Record<never, never>>;

export type LogicalAndOptions = Readonly<Record<never, never>>;

export type LogicalNotOptions = Readonly<Record<never, never>>;

export type LogicalOrOptions = Readonly<Record<never, never>>;

export type MatrixDiagOptions = Readonly<Record<never, never>>;

export type MatrixSetDiagOptions = Readonly<Record<never, never>>;

export type MaximumMinimumOptions = Readonly<Record<never, never>>;

export interface Metadata {
  readonly name?: string;
  readonly buffer: number;
}

export interface MirrorPadOptions {
  readonly mode: MirrorPadMode;
}

export interface Model {
  readonly version: number;
  readonly operatorCodes?: readonly OperatorCode[];
  readonly subgraphs?: readonly SubGraph[];
  readonly description?: string;
  readonly buffers?: readonly Buffer[];
  readonly metadataBuffer?: readonly number[];
  readonly metadata?: readonly Metadata[];
  readonly signatureDefs?: readonly SignatureDef[];
  readonly externalBufferGroups?: readonly ExternalBufferGroup[];
  readonly externalBuffers?: readonly ExternalBuffer[];
}

export interface MulOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
}

export interface MultiAxisQuantization {
  readonly scales: number;
  readonly zeroPoints: number;
  readonly blockSize: number;
  readonly quantizedDimensions?: readonly number[];
}

export type NegOptions = Readonly<Record<never, never>>;

export type NonMaxSuppressionV4Options = Readonly<Record<never, never>>;

export type NonMaxSuppressionV5Options = Readonly<Record<never, never>>;

export type NotEqualOptions = Readonly<Record<never, never>>;

export interface OneHotOptions {
  readonly axis: number;
}

export interface Operator {
  readonly opcodeIndex: number;
  readonly inputs?: readonly number[];
  readonly outputs?: readonly number[];
  readonly builtinOptions?: BuiltinOptions;
  readonly customOptions?: Uint8Array;
  readonly customOptionsFormat: CustomOptionsFormat;
  readonly mutatingVariableInputs?: readonly boolean[];
  readonly intermediates?: readonly number[];
  readonly largeCustomOptionsOffset: bigint;
  readonly largeCustomOptionsSize: bigint;
  readonly builtinOptions2?: BuiltinOptions2;
  readonly debugMetadataIndex: number;
}

export interface OperatorCode {
  readonly deprecatedBuiltinCode: number;
  readonly customCode?: string;
  readonly version: number;
  readonly builtinCode: BuiltinOperator;
}

export interface PackOptions {
  readonly valuesCount: number;
  readonly axis: number;
}

export type PadOptions = Readonly<Record<never, never>>;

export type PadV2Options = Readonly<Record<never, never>>;

export interface Pool2DOptions {
  readonly padding: Padding;
  readonly strideW: number;
  readonly strideH: number;
  readonly filterWidth: number;
  readonly filterHeight: number;
  readonly fusedActivationFunction: ActivationFunctionType;
}

export type PowOptions = Readonly<Record<never, never>>;

export interface QuantizationParameters {
  readonly min?: readonly number[];
  readonly max?: readonly number[];
  readonly scale?: readonly number[];
  readonly zeroPoint?: readonly bigint[];
  readonly details?: QuantizationDetails;
  readonly quantizedDimension: number;
}

export type QuantizeOptions = Readonly<Record<never, never>>;

export interface RNNOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly asymmetricQuantizeInputs: boolean;
}

export interface RandomOptions {
  readonly seed: bigint;
  readonly seed2: bigint;
}

export type RangeOptions = Readonly<Record<never, never>>;

export type RankOptions = Readonly<Record<never, never>>;

export type ReadVariableOptions = Readonly<Record<never, never>>;

export type ReduceWindowOptions = Readonly<Record<never, never>>;

export interface ReducerOptions {
  readonly keepDims: boolean;
}

export interface ReshapeOptions {
  readonly newShape?: readonly number[];
}

export interface ResizeBilinearOptions {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

export interface ResizeNearestNeighborOptions {
  readonly alignCorners: boolean;
  readonly halfPixelCenters: boolean;
}

export interface ReverseSequenceOptions {
  readonly seqDim: number;
  readonly batchDim: number;
}

export type ReverseV2Options = Readonly<Record<never, never>>;

export type Rfft2dOptions = Readonly<Record<never, never>>;

export type RightShiftOptions = Readonly<Record<never, never>>;

export interface SVDFOptions {
  readonly rank: number;
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly asymmetricQuantizeInputs: boolean;
}

export type ScatterNdOptions = Readonly<Record<never, never>>;

export type SegmentSumOptions = Readonly<Record<never, never>>;

export type SelectOptions = Readonly<Record<never, never>>;

export type SelectV2Options = Readonly<Record<never, never>>;

export interface SequenceRNNOptions {
  readonly timeMajor: boolean;
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly asymmetricQuantizeInputs: boolean;
}

export interface ShapeOptions {
  readonly outType: TensorType;
}

export type SignOptions = Readonly<Record<never, never>>;

export interface SignatureDef {
  readonly inputs?: readonly TensorMap[];
  readonly outputs?: readonly TensorMap[];
  readonly signatureKey?: string;
  readonly subgraphIndex: number;
}

export interface SkipGramOptions {
  readonly ngramSize: number;
  readonly maxSkipSize: number;
  readonly includeAllNgrams: boolean;
}

export type SliceOptions = Readonly<Record<never, never>>;

export interface SoftmaxOptions {
  readonly beta: number;
}

export type SpaceToBatchNDOptions = Readonly<Record<never, never>>;

export interface SpaceToDepthOptions {
  readonly blockSize: number;
}

export interface SparseToDenseOptions {
  readonly validateIndices: boolean;
}

export interface SparsityParameters {
  readonly traversalOrder?: readonly number[];
  readonly blockMap?: readonly number[];
  readonly dimMetadata?: readonly DimensionMetadata[];
}

export interface SplitOptions {
  readonly numSplits: number;
}

export interface SplitVOptions {
  readonly numSplits: number;
}

export type SquareOptions = Readonly<Record<never, never>>;

export type SquaredDifferenceOptions = Readonly<Record<never, never>>;

export interface SqueezeOptions {
  readonly squeezeDims?: readonly number[];
}

export interface StableHLOCompositeOptions {
  readonly name?: string;
  readonly decompositionSubgraphIndex: number;
  readonly compositeAttributes?: Uint8Array;
  readonly compositeAttributesFormat: CustomOptionsFormat;
  readonly version: number;
}

export interface StablehloBroadcastInDimOptions {
  readonly broadcastDimensions?: readonly bigint[];
}

export interface StablehloCaseOptions {
  readonly branchSubgraphIndices?: readonly number[];
}

export interface StablehloCompareOptions {
  readonly comparisonDirection: StablehloComparisonDirection;
  readonly compareType: StablehloComparisonType;
}

export interface StablehloConcatenateOptions {
  readonly dimension: bigint;
}

export interface StablehloConvolutionOptions {
  readonly windowStrides?: readonly bigint[];
  readonly padding?: readonly bigint[];
  readonly lhsDilation?: readonly bigint[];
  readonly rhsDilation?: readonly bigint[];
  readonly windowReversal?: readonly boolean[];
  readonly inputBatchDimension: bigint;
  readonly inputFeatureDimension: bigint;
  readonly inputSpatialDimensions?: readonly bigint[];
  readonly kernelInputFeatureDimension: bigint;
  readonly kernelOutputFeatureDimension: bigint;
  readonly kernelSpatialDimensions?: readonly bigint[];
  readonly outputBatchDimension: bigint;
  readonly outputFeatureDimension: bigint;
  readonly outputSpatialDimensions?: readonly bigint[];
  readonly featureGroupCount: bigint;
  readonly batchGroupCount: bigint;
  readonly precisionConfig?: readonly StablehloPrecisionConfig[];
}

export interface StablehloCustomCallOptions {
  readonly callTargetName?: string;
  readonly hasSideEffect: boolean;
  readonly backendConfig?: string;
  readonly apiVersion: number;
  readonly calledComputations?: readonly number[];
  readonly customAttributes?: Uint8Array;
}

export interface StablehloDotGeneralOptions {
  readonly lhsBatchingDimensions?: readonly bigint[];
  readonly rhsBatchingDimensions?: readonly bigint[];
  readonly lhsContractingDimensions?: readonly bigint[];
  readonly rhsContractingDimensions?: readonly bigint[];
  readonly precisionConfig?: readonly StablehloPrecisionConfig[];
}

export interface StablehloDynamicSliceOptions {
  readonly sliceSizes?: readonly bigint[];
}

export interface StablehloGatherOptions {
  readonly offsetDims?: readonly bigint[];
  readonly collapsedSliceDims?: readonly bigint[];
  readonly startIndexMap?: readonly bigint[];
  readonly indexVectorDim: bigint;
  readonly sliceSizes?: readonly bigint[];
  readonly indicesAreSorted: boolean;
}

export interface StablehloIotaOptions {
  readonly iotaDimension: bigint;
}

export interface StablehloPadOptions {
  readonly edgePaddingLow?: readonly bigint[];
  readonly edgePaddingHigh?: readonly bigint[];
  readonly interiorPadding?: readonly bigint[];
}

export interface StablehloReduceOptions {
  readonly dimensions?: readonly bigint[];
  readonly bodySubgraphIndex: number;
}

export interface StablehloReduceWindowOptions {
  readonly windowDimensions?: readonly bigint[];
  readonly windowStrides?: readonly bigint[];
  readonly baseDilations?: readonly bigint[];
  readonly windowDilations?: readonly bigint[];
  readonly padding?: readonly bigint[];
  readonly bodySubgraphIndex: number;
}

export interface StablehloRngBitGeneratorOptions {
  readonly algorithm: RngAlgorithm;
}

export interface StablehloScatterOptions {
  readonly indicesAreSorted: boolean;
  readonly updateWindowDims?: readonly bigint[];
  readonly insertedWindowDims?: readonly bigint[];
  readonly scatterDimsToOperandDims?: readonly bigint[];
  readonly indexVectorDim: bigint;
  readonly uniqueIndices: boolean;
  readonly updateComputationSubgraphIndex: number;
}

export type StablehloShiftLeftOptions = Readonly<Record<never, never>>;

export interface StablehloSliceOptions {
  readonly startIndices?: readonly bigint[];
  readonly limitIndices?: readonly bigint[];
  readonly strides?: readonly bigint[];
}

export interface StablehloSortOptions {
  readonly dimension: bigint;
  readonly isStable: boolean;
  readonly comparatorSubgraphIndex: number;
}

export interface StablehloTransposeOptions {
  readonly permutation?: readonly bigint[];
}

export interface StablehloWhileOptions {
  readonly condSubgraphIndex: number;
  readonly bodySubgraphIndex: number;
}

export interface StridedSliceOptions {
  readonly beginMask: number;
  readonly endMask: number;
  readonly ellipsisMask: number;
  readonly newAxisMask: number;
  readonly shrinkAxisMask: number;
  readonly offset: boolean;
}

export interface SubGraph {
  readonly tensors?: readonly Tensor[];
  readonly inputs?: readonly number[];
  readonly outputs?: readonly number[];
  readonly operators?: readonly Operator[];
  readonly name?: string;
  readonly debugMetadataIndex: number;
}

export interface SubOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly potScaleInt16: boolean;
}

export interface Tensor {
  readonly shape?: readonly number[];
  readonly type: TensorType;
  readonly buffer: number;
  readonly name?: string;
  readonly quantization?: QuantizationParameters;
  readonly isVariable: boolean;
  readonly sparsity?: SparsityParameters;
  readonly shapeSignature?: readonly number[];
  readonly hasRank: boolean;
  readonly variantTensors?: readonly VariantSubType[];
  readonly externalBuffer: number;
}

export interface TensorMap {
  readonly name?: string;
  readonly tensorIndex: number;
}

export type TileOptions = Readonly<Record<never, never>>;

export type TopKV2Options = Readonly<Record<never, never>>;

export interface TransposeConvOptions {
  readonly padding: Padding;
  readonly strideW: number;
  readonly strideH: number;
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly quantizedBiasType: TensorType;
}

export type TransposeOptions = Readonly<Record<never, never>>;

export interface Uint16Vector {
  readonly values?: readonly number[];
}

export interface Uint8Vector {
  readonly values?: Uint8Array;
}

export interface UnidirectionalSequenceLSTMOptions {
  readonly fusedActivationFunction: ActivationFunctionType;
  readonly cellClip: number;
  readonly projClip: number;
  readonly timeMajor: boolean;
  readonly asymmetricQuantizeInputs: boolean;
  readonly diagonalRecurrentTensors: boolean;
}

export interface UniqueOptions {
  readonly idxOutType: TensorType;
}

export interface UnpackOptions {
  readonly num: number;
  readonly axis: number;
}

export type UnsortedSegmentMaxOptions = Readonly<Record<never, never>>;

export type UnsortedSegmentMinOptions = Readonly<Record<never, never>>;

export type UnsortedSegmentProdOptions = Readonly<Record<never, never>>;

export type UnsortedSegmentSumOptions = Readonly<Record<never, never>>;

export interface VarHandleOptions {
  readonly container?: string;
  readonly sharedName?: string;
}

export interface VariantSubType {
  readonly shape?: readonly number[];
  readonly type: TensorType;
  readonly hasRank: boolean;
}

export type WhereOptions = Readonly<Record<never, never>>;

export interface WhileOptions {
  readonly condSubgraphIndex: number;
  readonly bodySubgraphIndex: number;
}

export type ZerosLikeOptions = Readonly<Record<never, never>>;

export interface BuiltinOptionsMembers {
  readonly Conv2DOptions: Conv2DOptions;
  readonly DepthwiseConv2DOptions: DepthwiseConv2DOptions;
  readonly ConcatEmbeddingsOptions: ConcatEmbeddingsOptions;
  readonly LSHProjectionOptions: LSHProjectionOptions;
  readonly Pool2DOptions: Pool2DOptions;
  readonly SVDFOptions: SVDFOptions;
  readonly RNNOptions: RNNOptions;
  readonly FullyConnectedOptions: FullyConnectedOptions;
  readonly SoftmaxOptions: SoftmaxOptions;
  readonly ConcatenationOptions: ConcatenationOptions;
  readonly AddOptions: AddOptions;
  readonly L2NormOptions: L2NormOptions;
  readonly LocalResponseNormalizationOptions: LocalResponseNormalizationOptions;
  readonly LSTMOptions: LSTMOptions;
  readonly ResizeBilinearOptions: ResizeBilinearOptions;
  readonly CallOptions: CallOptions;
  readonly ReshapeOptions: ReshapeOptions;
  readonly SkipGramOptions: SkipGramOptions;
  readonly SpaceToDepthOptions: SpaceToDepthOptions;
  readonly EmbeddingLookupSparseOptions: EmbeddingLookupSparseOptions;
  readonly MulOptions: MulOptions;
  readonly PadOptions: PadOptions;
  readonly GatherOptions: GatherOptions;
  readonly BatchToSpaceNDOptions: BatchToSpaceNDOptions;
  readonly SpaceToBatchNDOptions: SpaceToBatchNDOptions;
  readonly TransposeOptions: TransposeOptions;
  readonly ReducerOptions: ReducerOptions;
  readonly SubOptions: SubOptions;
  readonly DivOptions: DivOptions;
  readonly SqueezeOptions: SqueezeOptions;
  readonly SequenceRNNOptions: SequenceRNNOptions;
  readonly StridedSliceOptions: StridedSliceOptions;
  readonly ExpOptions: ExpOptions;
  readonly TopKV2Options: TopKV2Options;
  readonly SplitOptions: SplitOptions;
  readonly LogSoftmaxOptions: LogSoftmaxOptions;
  readonly CastOptions: CastOptions;
  readonly DequantizeOptions: DequantizeOptions;
  readonly MaximumMinimumOptions: MaximumMinimumOptions;
  readonly ArgMaxOptions: ArgMaxOptions;
  readonly LessOptions: LessOptions;
  readonly NegOptions: NegOptions;
  readonly PadV2Options: PadV2Options;
  readonly GreaterOptions: GreaterOptions;
  readonly GreaterEqualOptions: GreaterEqualOptions;
  readonly LessEqualOptions: LessEqualOptions;
  readonly SelectOptions: SelectOptions;
  readonly SliceOptions: SliceOptions;
  readonly TransposeConvOptions: TransposeConvOptions;
  readonly SparseToDenseOptions: SparseToDenseOptions;
  readonly TileOptions: TileOptions;
  readonly ExpandDimsOptions: ExpandDimsOptions;
  readonly EqualOptions: EqualOptions;
  readonly NotEqualOptions: NotEqualOptions;
  readonly ShapeOptions: ShapeOptions;
  readonly PowOptions: PowOptions;
  readonly ArgMinOptions: ArgMinOptions;
  readonly FakeQuantOptions: FakeQuantOptions;
  readonly PackOptions: PackOptions;
  readonly LogicalOrOptions: LogicalOrOptions;
  readonly OneHotOptions: OneHotOptions;
  readonly LogicalAndOptions: LogicalAndOptions;
  readonly LogicalNotOptions: LogicalNotOptions;
  readonly UnpackOptions: UnpackOptions;
  readonly FloorDivOptions: FloorDivOptions;
  readonly SquareOptions: SquareOptions;
  readonly ZerosLikeOptions: ZerosLikeOptions;
  readonly FillOptions: FillOptions;
  readonly BidirectionalSequenceLSTMOptions: BidirectionalSequenceLSTMOptions;
  readonly BidirectionalSequenceRNNOptions: BidirectionalSequenceRNNOptions;
  readonly UnidirectionalSequenceLSTMOptions: UnidirectionalSequenceLSTMOptions;
  readonly FloorModOptions: FloorModOptions;
  readonly RangeOptions: RangeOptions;
  readonly ResizeNearestNeighborOptions: ResizeNearestNeighborOptions;
  readonly LeakyReluOptions: LeakyReluOptions;
  readonly SquaredDifferenceOptions: SquaredDifferenceOptions;
  readonly MirrorPadOptions: MirrorPadOptions;
  readonly AbsOptions: AbsOptions;
  readonly SplitVOptions: SplitVOptions;
  readonly UniqueOptions: UniqueOptions;
  readonly ReverseV2Options: ReverseV2Options;
  readonly AddNOptions: AddNOptions;
  readonly GatherNdOptions: GatherNdOptions;
  readonly CosOptions: CosOptions;
  readonly WhereOptions: WhereOptions;
  readonly RankOptions: RankOptions;
  readonly ReverseSequenceOptions: ReverseSequenceOptions;
  readonly MatrixDiagOptions: MatrixDiagOptions;
  readonly QuantizeOptions: QuantizeOptions;
  readonly MatrixSetDiagOptions: MatrixSetDiagOptions;
  readonly HardSwishOptions: HardSwishOptions;
  readonly IfOptions: IfOptions;
  readonly WhileOptions: WhileOptions;
  readonly DepthToSpaceOptions: DepthToSpaceOptions;
  readonly NonMaxSuppressionV4Options: NonMaxSuppressionV4Options;
  readonly NonMaxSuppressionV5Options: NonMaxSuppressionV5Options;
  readonly ScatterNdOptions: ScatterNdOptions;
  readonly SelectV2Options: SelectV2Options;
  readonly DensifyOptions: DensifyOptions;
  readonly SegmentSumOptions: SegmentSumOptions;
  readonly BatchMatMulOptions: BatchMatMulOptions;
  readonly CumsumOptions: CumsumOptions;
  readonly CallOnceOptions: CallOnceOptions;
  readonly BroadcastToOptions: BroadcastToOptions;
  readonly Rfft2dOptions: Rfft2dOptions;
  readonly Conv3DOptions: Conv3DOptions;
  readonly HashtableOptions: HashtableOptions;
  readonly HashtableFindOptions: HashtableFindOptions;
  readonly HashtableImportOptions: HashtableImportOptions;
  readonly HashtableSizeOptions: HashtableSizeOptions;
  readonly VarHandleOptions: VarHandleOptions;
  readonly ReadVariableOptions: ReadVariableOptions;
  readonly AssignVariableOptions: AssignVariableOptions;
  readonly RandomOptions: RandomOptions;
  readonly BucketizeOptions: BucketizeOptions;
  readonly GeluOptions: GeluOptions;
  readonly DynamicUpdateSliceOptions: DynamicUpdateSliceOptions;
  readonly UnsortedSegmentProdOptions: UnsortedSegmentProdOptions;
  readonly UnsortedSegmentMaxOptions: UnsortedSegmentMaxOptions;
  readonly UnsortedSegmentMinOptions: UnsortedSegmentMinOptions;
  readonly UnsortedSegmentSumOptions: UnsortedSegmentSumOptions;
  readonly ATan2Options: ATan2Options;
  readonly SignOptions: SignOptions;
  readonly BitcastOptions: BitcastOptions;
  readonly BitwiseXorOptions: BitwiseXorOptions;
  readonly RightShiftOptions: RightShiftOptions;
}
export type BuiltinOptions = { [T in keyof BuiltinOptionsMembers]: { readonly type: T } & BuiltinOptionsMembers[T] }[keyof BuiltinOptionsMembers];

export interface BuiltinOptions2Members {
  readonly StablehloConcatenateOptions: StablehloConcatenateOptions;
  readonly StablehloBroadcastInDimOptions: StablehloBroadcastInDimOptions;
  readonly StablehloSliceOptions: StablehloSliceOptions;
  readonly StablehloConvolutionOptions: StablehloConvolutionOptions;
  readonly StablehloCustomCallOptions: StablehloCustomCallOptions;
  readonly StablehloReduceOptions: StablehloReduceOptions;
  readonly StablehloScatterOptions: StablehloScatterOptions;
  readonly StablehloCompareOptions: StablehloCompareOptions;
  readonly StablehloDynamicSliceOptions: StablehloDynamicSliceOptions;
  readonly StablehloPadOptions: StablehloPadOptions;
  readonly StablehloIotaOptions: StablehloIotaOptions;
  readonly StablehloDotGeneralOptions: StablehloDotGeneralOptions;
  readonly StablehloReduceWindowOptions: StablehloReduceWindowOptions;
  readonly StablehloSortOptions: StablehloSortOptions;
  readonly StablehloWhileOptions: StablehloWhileOptions;
  readonly StablehloGatherOptions: StablehloGatherOptions;
  readonly StablehloTransposeOptions: StablehloTransposeOptions;
  readonly DilateOptions: DilateOptions;
  readonly StablehloRngBitGeneratorOptions: StablehloRngBitGeneratorOptions;
  readonly ReduceWindowOptions: ReduceWindowOptions;
  readonly StableHLOCompositeOptions: StableHLOCompositeOptions;
  readonly StablehloShiftLeftOptions: StablehloShiftLeftOptions;
  readonly StablehloCaseOptions: StablehloCaseOptions;
}
export type BuiltinOptions2 = { [T in keyof BuiltinOptions2Members]: { readonly type: T } & BuiltinOptions2Members[T] }[keyof BuiltinOptions2Members];

export interface QuantizationDetailsMembers {
  readonly CustomQuantization: CustomQuantization;
  readonly BlockwiseQuantization: BlockwiseQuantization;
  readonly MultiAxisQuantization: MultiAxisQuantization;
}
export type QuantizationDetails = { [T in keyof QuantizationDetailsMembers]: { readonly type: T } & QuantizationDetailsMembers[T] }[keyof QuantizationDetailsMembers];

export interface SparseIndexVectorMembers {
  readonly Int32Vector: Int32Vector;
  readonly Uint16Vector: Uint16Vector;
  readonly Uint8Vector: Uint8Vector;
}
export type SparseIndexVector = { [T in keyof SparseIndexVectorMembers]: { readonly type: T } & SparseIndexVectorMembers[T] }[keyof SparseIndexVectorMembers];
